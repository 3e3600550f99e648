"""Small networks run alone here."""

from tests.small_networks import alone

__all__ = ["alone"]
