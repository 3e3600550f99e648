"""One block of an archive: find out what it is, choose how to code it, code it, and undo that exactly."""

from dataclasses import dataclass
from functools import cache

from multum.archive.recipes import KeptRecipe
from multum.errors import FormatError
from multum.formats.detection import Family, Finding, detect
from multum.formats.transforms import X86, apply_transforms, invert_transforms, undoable
from multum.mixing import Meter, Recipe, check_level, decode, encode, preset, primers_for

STORED = 0
MIXED = 1

# Buffers beside the tables: data after its primers, code, and one copy of the data.
_COPIES = 3
_BESIDES_BYTES = 1 << 18
# Candidates are tried on this share of a block, up to a limit.
_TRIAL_SHARE = 16
_TRIAL_BYTES = 3 << 14
_TRIAL_LEVEL = 4


@dataclass(frozen=True)
class CodedBlock:
    """A block as the archive carries it.

    raw_bytes: length of the plain data. method: STORED or MIXED.
    transforms: reversible transforms applied before coding, a byte each; b"" if none.
    recipe: the serialised recipe of the mixing network; b"" when stored.
    code: the payload.
    """

    raw_bytes: int
    method: int
    transforms: bytes
    recipe: bytes
    code: bytes


def block_bytes(level: int) -> int:
    """Return the raw bytes of a full block at `level` (1-9)."""
    check_level(level)
    return (4 if level <= 2 else 8 if level == 3 else 16 if level <= 6 else 32) << 20


def encode_block(raw: bytes, level: int, meter: Meter | None = None, kept: KeptRecipe | None = None) -> CodedBlock:
    """Return `raw` coded at `level`, or stored when that is no longer. Transforms are verified.

    meter: shows how far the work is while it goes on. kept: the recipe to use; else one is chosen.
    """
    chosen = choose_recipe(raw, level) if kept is None else kept.suit(raw)
    if chosen is not None:
        transforms, recipe = chosen
        code = encode(apply_transforms(transforms, raw), recipe, meter)
        if code is not None:
            return CodedBlock(len(raw), MIXED, transforms, recipe.to_bytes(), code)
    return CodedBlock(len(raw), STORED, b"", b"", raw)


def choose_recipe(raw: bytes, level: int) -> tuple[bytes, Recipe] | None:
    """Return (transforms, recipe) that suit `raw` at `level`, or None when it looks random."""
    finding = detect(raw)
    if not raw or finding.family is Family.RANDOM:
        return None
    transforms = _useful_transforms(finding, raw)
    return transforms, _choose(finding, apply_transforms(transforms, raw), level)


def _useful_transforms(finding: Finding, raw: bytes) -> bytes:
    """Return the transforms that fit the finding and are undone exactly on this data."""
    return undoable(bytes([X86]) if finding.x86 else b"", raw)


def _choose(finding: Finding, data: bytes, level: int) -> Recipe:
    """Return the recipe for `data`: the one the finding suggests, or the best of several on a sample."""
    candidates = _candidates(finding, level)
    if len(candidates) > 1 and len(data) >= _TRIAL_SHARE * 256:
        size = min(_TRIAL_BYTES, len(data) // _TRIAL_SHARE)
        start = (len(data) - size) // 2 & ~4095
        sample = data[start : start + size]
        trials = _candidates(finding, min(level, _TRIAL_LEVEL))
        costs = [len(encode(sample, trial.scaled(size)) or sample) for trial in trials]
        candidates = [candidates[costs.index(min(costs))]]
    return candidates[0].scaled(len(data))


def _candidates(finding: Finding, level: int) -> list[Recipe]:
    """Return the recipes worth trying for a finding, the likeliest first."""
    family = str(finding.family)
    found = preset(
        level,
        family,
        separator=finding.separator,
        record=(finding.record_bytes, finding.stride, finding.width, int(finding.big)),
        primers=primers_for(family, finding.markup, finding.code),
    )
    if finding.family is not Family.RECORD:
        return [found]
    narrow = (finding.stride, finding.stride, finding.width, int(finding.big))
    rivals = [preset(level, "record", record=narrow)] if finding.record_bytes != finding.stride else []
    return [found, *rivals, preset(level, "binary")]


@cache
def _recipe(data: bytes) -> Recipe:
    return Recipe.from_bytes(data)


def decode_block(block: CodedBlock, meter: Meter | None = None) -> bytes:
    """Return the plain data of `block`; `meter` shows how far it is meanwhile.

    Raises FormatError when the block is malformed; damage that still decodes to
    something is left to the caller's checksums.
    """
    if block.method == STORED:
        if block.transforms or block.recipe or len(block.code) != block.raw_bytes:
            raise FormatError("a stored block has transforms, a recipe or another length than it states")
        return block.code
    if block.method != MIXED:
        raise FormatError(f"block is coded by method {block.method}; this version knows {STORED} and {MIXED}")
    return invert_transforms(block.transforms, decode(block.code, block.raw_bytes, _recipe(block.recipe), meter))


def memory_bytes(block: CodedBlock) -> int:
    """Return the bytes of working memory that decoding `block` takes; its code may be missing."""
    tables = _recipe(block.recipe).memory_bytes() if block.method == MIXED else 0
    return tables + _COPIES * block.raw_bytes + _BESIDES_BYTES


def kept_memory_bytes(kept: KeptRecipe, raw_bytes: int) -> int:
    """Return the most memory_bytes can be for a block of up to `raw_bytes` that is coded by a recipe that was kept."""
    return kept.recipe.scaled(raw_bytes).memory_bytes() + _COPIES * raw_bytes + _BESIDES_BYTES


@cache
def level_memory_bytes(level: int, raw_bytes: int) -> int:
    """Return the most memory_bytes can be for a block of up to `raw_bytes` that encode_block makes at `level`."""
    tables = max(
        recipe.scaled(raw_bytes).memory_bytes()
        for family in Family
        if family is not Family.RANDOM
        for recipe in _candidates(Finding(family), level)
    )
    return tables + _COPIES * raw_bytes + _BESIDES_BYTES
