"""What holds for every test: Hypothesis without a deadline, since a first call may compile."""

from hypothesis import settings

settings.register_profile("house", deadline=None, print_blob=True)
settings.load_profile("house")
