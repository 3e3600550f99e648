"""The learner: an integer network over contexts that learns while it codes."""

from multum.mixing.network import Meter, decode, encode, generate, measure
from multum.mixing.presets import LEVELS, check_level, preset, primers_for
from multum.mixing.recipe import Recipe

__all__ = [
    "LEVELS",
    "Meter",
    "Recipe",
    "check_level",
    "decode",
    "encode",
    "generate",
    "measure",
    "preset",
    "primers_for",
]
