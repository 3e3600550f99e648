"""From a level and what the data is, to a recipe."""

from dataclasses import replace

from multum.errors import UsageError
from multum.mixing.primers import CHINESE, CODE, ENGLISH, MARKUP
from multum.mixing.recipe import FAMILIES, Recipe
from multum.mixing.structures import GUIDED_TIERS, TIERS

LEVELS = range(1, 10)
# level: (tier, slot bits, direct bits); a slot is 16 bytes, a line of direct probabilities 64
_SIZES = {
    1: (0, 19, 0),
    2: (0, 21, 0),
    3: (1, 21, 18),
    4: (1, 22, 18),
    5: (1, 23, 18),
    6: (1, 24, 20),
    7: (2, 22, 19),
    8: (2, 23, 20),
    9: (2, 24, 21),
}
# floor of the learning rate: noisy counts want slower mixing than text
_RATES = {"record": 45, "lines": 80, "binary": 80, "genome": 60, "text": 80, "cjk": 80}
# a byte is coded in one bit after matches this long; level 1 has a length a family
_SURE = {2: 128, 3: 128, 4: 400, 5: 400, 6: 400, 7: 0, 8: 0, 9: 0}
_SURE_FAST = {"record": 64, "lines": 32, "binary": 32, "genome": 32, "text": 32, "cjk": 32}


def check_level(level: int) -> int:
    """Return `level`. Raises UsageError unless it is 1 to 9."""
    if isinstance(level, bool) or not isinstance(level, int) or level not in LEVELS:
        raise UsageError(f"level {level} is out of range; levels go from 1 (fast) to 9 (small)")
    return level


def preset(
    level: int,
    family: str,
    *,
    separator: int = 32,
    record: tuple[int, int, int, int] = (1, 1, 1, 0),
    primers: tuple[int, ...] = (),
    guided: bool = False,
) -> Recipe:
    """Return the recipe of `level` for a family of data.

    record: (row bytes, stride, field bytes, 1 when the high byte comes first). guided: for data that a trained
    network forecasts; levels under 7 are lean then and take the tables of level 7.
    Raises UsageError for a level or family that is not there.
    """
    check_level(level)
    if family not in TIERS:
        raise UsageError(f"family {family!r} is unknown; families are {', '.join(TIERS)}")
    tier, slot_bits, direct_bits = _SIZES[max(level, 7) if guided else level]
    row, stride, width, big = record
    fast = Recipe(
        structure=GUIDED_TIERS[family][level > 6] if guided else TIERS[family][tier],
        family=FAMILIES.index(family),
        level=level,
        slot_bits=slot_bits,
        direct_bits=direct_bits,
        run_bits=20,
        refine_bits=12,
        head_bits=18,
        inputs_each=1,
        direct_limit=500 if family in ("record", "genome") else 255,
        rate=250,
        rate_start=600 if guided else 1500,  # a forecast that is good from the start is not to be unlearnt first
        rate_half_bits=15,
        skip=250,
        first_weight=20000,
        sure_length=0 if guided else _SURE_FAST[family] if level == 1 else _SURE[level],
        separator=separator,
        record_bytes=row,
        stride=stride,
        width=width,
        big=big,
        primers=primers if level > 1 else (),
    )
    if tier == 0:
        return fast
    if tier == 1:
        return replace(fast, rate=_RATES[family] * 3 // 2, first_weight=10000, final_rate=60)
    weight = 65536 * 2 // 3 // fast.input_count()
    return replace(fast, rate=_RATES[family], refine_bits=14, head_bits=20, skip=60, first_weight=4 * weight)


def primers_for(family: str, markup: bool, code: bool) -> tuple[int, ...]:
    """Return the primers for text of a kind, the likest last."""
    if family == "cjk":
        return (CHINESE,)
    if family == "lines":
        return (CODE,)
    if family == "text":
        return (CODE,) * code + (MARKUP,) * markup + (() if code else (ENGLISH,))
    return ()
