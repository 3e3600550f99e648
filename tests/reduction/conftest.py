"""Small networks run alone here, and make no talk of their own."""

from tests.small_networks import alone

__all__ = ["alone"]
