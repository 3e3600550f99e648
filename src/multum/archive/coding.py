"""One block of an archive: find out what it is, choose how to code it, code it, and undo that exactly."""

from dataclasses import dataclass
from functools import cache

from multum.archive.bases import HeldBase
from multum.archive.frames import GUIDED, METHOD_NAMES, MIXED, ROW_METHODS, STORED, TOKENS
from multum.archive.planning import Planned
from multum.archive.programs import HeldProgram
from multum.archive.recipes import KeptRecipe
from multum.archive.rows import decode_rows, encode_rows, rows_memory_bytes
from multum.archive.spelling import decode_spelling, encode_spelling, find_runs, plan_streams, read_head
from multum.errors import FormatError
from multum.formats.detection import Family, Finding, detect
from multum.formats.transforms import X86, apply_transforms, invert_transforms, undoable
from multum.inference import tokens
from multum.inference.network import IntegerNetwork
from multum.mixing import Meter, Recipe, check_level, decode, encode, preset, primers_for
from multum.neural.runs import BYTES

# Buffers beside the tables: data after its primers, code, and one copy of the data.
_COPIES = 3
_BESIDES_BYTES = 1 << 18
# Its number, as given and in its lane, room for its code, and its bytes.
_TOKEN_BYTES = 32
# Candidates are tried on this share of a block, up to a limit.
_TRIAL_SHARE = 16
_TRIAL_BYTES = 3 << 14
_TRIAL_LEVEL = 4
# Full blocks, and where they are halved: a program over bytes has a thread a block, one over tokens has lanes. What
# learns beside a program has learnt more in one block: at thorough levels only what is more than one is halved.
_BYTE_BLOCK = (4 << 20, 1 << 19)
_THOROUGH_BYTE_BLOCK = (4 << 20, (4 << 20) + 1)
_THOROUGH_LEVEL = 7
_TOKEN_BLOCK = (1 << 20, None)


@dataclass(frozen=True)
class CodedBlock:
    """A block as the archive carries it.

    raw_bytes: length of the plain data. method: a number of METHOD_NAMES.
    transforms: reversible transforms applied before coding, a byte each; b"" if none.
    recipe: the serialised recipe of the mixing network; b"" when none has a part in it.
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


def cut_bytes(coder: "Coder") -> tuple[int, int | None]:
    """Return (raw bytes of a full block, raw bytes from which on the last two blocks are equal, or None)."""
    if coder.program is None:
        return block_bytes(coder.level), None
    if coder.program.pieces is not None:
        return _TOKEN_BLOCK
    return _THOROUGH_BYTE_BLOCK if coder.guided and coder.level >= _THOROUGH_LEVEL else _BYTE_BLOCK


def tensor_block_bytes(coder: "Coder") -> int:
    """Return the most raw bytes of a block of rows: what never takes more memory than a full block of other bytes."""
    return cut_bytes(coder)[0] // 4


@dataclass(frozen=True)
class Coder:
    """How blocks are coded.

    level: 1 to 9. kept: the recipe to use; None to choose one for each block. program: what predicts beside the
    mixing network, or None; alone: instead of it. threads: how many a block may use; they never change its bytes.
    base: what tensors are compared with, or None.
    """

    level: int
    kept: KeptRecipe | None = None
    program: HeldProgram | None = None
    alone: bool = False
    threads: int = 1
    base: HeldBase | None = None

    @property
    def finds_tensors(self) -> bool:
        """Whether tensors have blocks of their own. A recipe or a program that is named codes all blocks."""
        return self.kept is None and self.program is None

    @property
    def guided(self) -> bool:
        """Whether the mixing network has a program over bytes beside it."""
        return self.program is not None and self.program.pieces is None and not self.alone


def encode_block(raw: bytes, coder: Coder, meter: Meter | None = None, planned: Planned | None = None) -> CodedBlock:
    """Return `raw` coded, or stored when that is no longer. Transforms are verified.

    meter: shows how far the work is while it goes on. planned: what tensors `raw` is rows of, None for other bytes.
    Raises UsageError for rows that do not lie on their grid.
    """
    if planned is not None:
        method, payload = encode_rows(raw, planned, coder.base)
        return CodedBlock(len(raw), method, b"", b"", payload)
    if coder.program is None or coder.guided:
        return _encode_mixed(raw, coder, meter)
    spelled = _encode_tokens(raw, coder, coder.program, meter)
    rival = CodedBlock(len(raw), STORED, b"", b"", raw) if coder.alone else _encode_mixed(raw, coder, None)
    return min(spelled, rival, key=lambda block: len(block.code))


def _encode_mixed(raw: bytes, coder: Coder, meter: Meter | None) -> CodedBlock:
    """Return `raw` coded by a mixing network, with the program over bytes if there is one, or stored."""
    chosen = choose_recipe(raw, coder.level, coder.guided) if coder.kept is None else coder.kept.suit(raw)
    network = coder.program.network if coder.guided and coder.program is not None else None
    if chosen is not None:
        transforms, recipe = chosen
        code = encode(apply_transforms(transforms, raw), recipe, meter, network)
        if code is not None:
            method = MIXED if network is None else GUIDED
            return CodedBlock(len(raw), method, transforms, recipe.to_bytes(), code)
    return CodedBlock(len(raw), STORED, b"", b"", raw)


def _encode_tokens(raw: bytes, coder: Coder, program: HeldProgram, meter: Meter | None) -> CodedBlock:
    """Return `raw` coded as tokens of a program, its bytes that are no text by a mixing network."""
    runs = find_runs(raw, program)
    stray = b"".join(run.raw for run in runs if run.kind == BYTES)
    chosen = choose_recipe(stray, coder.level)
    recipe = None if chosen is None else chosen[1]
    payload = encode_spelling(runs, program, recipe, coder.threads, meter)
    return CodedBlock(len(raw), TOKENS, b"", b"" if recipe is None else recipe.to_bytes(), payload)


def choose_recipe(raw: bytes, level: int, guided: bool = False) -> tuple[bytes, Recipe] | None:
    """Return (transforms, recipe) that suit `raw` at `level`, or None when it looks random.

    guided: for a program that forecasts it; there are no transforms then, as it knows data as they are.
    """
    finding = detect(raw)
    if not raw or finding.family is Family.RANDOM:
        return None
    if guided:
        return b"", _candidates(finding, level, guided)[0].scaled(len(raw))
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


def _candidates(finding: Finding, level: int, guided: bool = False) -> list[Recipe]:
    """Return the recipes worth trying for a finding, the likeliest first."""
    family = str(finding.family)
    found = preset(
        level,
        family,
        separator=finding.separator,
        record=(finding.record_bytes, finding.stride, finding.width, int(finding.big)),
        primers=primers_for(family, finding.markup, finding.code),
        guided=guided,
    )
    if guided or finding.family is not Family.RECORD:
        return [found]
    narrow = (finding.stride, finding.stride, finding.width, int(finding.big))
    rivals = [preset(level, "record", record=narrow)] if finding.record_bytes != finding.stride else []
    return [found, *rivals, preset(level, "binary")]


@cache
def _recipe(data: bytes) -> Recipe:
    return Recipe.from_bytes(data)


def decode_block(
    block: CodedBlock,
    meter: Meter | None = None,
    program: HeldProgram | None = None,
    threads: int = 1,
    base: HeldBase | None = None,
) -> bytes:
    """Return the plain data of `block`; `meter` shows how far it is meanwhile.

    program, base: the archive's, None where it has none. threads: how many the block may use.
    Raises FormatError when the block is malformed; damage that still decodes to
    something is left to the caller's checksums.
    """
    if block.method == STORED:
        if block.transforms or block.recipe or len(block.code) != block.raw_bytes:
            raise FormatError("a stored block has transforms, a recipe or another length than it states")
        return block.code
    if block.method == MIXED:
        return _decode_mixed(block, meter, None)
    if block.method in ROW_METHODS:
        if block.transforms or block.recipe:
            raise FormatError("a block of rows of tensors has transforms or a recipe; it needs neither")
        return decode_rows(block.method, block.code, block.raw_bytes, base)
    if program is None:
        raise FormatError(f"a block is coded by method {METHOD_NAMES[block.method]} and there is no program")
    if block.method == GUIDED:
        return _decode_mixed(block, meter, program.network)
    if block.transforms:
        raise FormatError("a block of tokens has transforms; none are allowed")
    recipe = _recipe(block.recipe) if block.recipe else None
    return decode_spelling(block.code, block.raw_bytes, program, recipe, threads, meter)


def _decode_mixed(block: CodedBlock, meter: Meter | None, network: IntegerNetwork | None) -> bytes:
    """Return the data of a block that a mixing network coded. Raises FormatError for a recipe of another method."""
    recipe = _recipe(block.recipe)
    if recipe.structure.guided != (network is not None) or (network is not None and network.vocabulary != 256):
        raise FormatError(f"a block is coded by method {METHOD_NAMES[block.method]} and its recipe is for another")
    return invert_transforms(block.transforms, decode(block.code, block.raw_bytes, recipe, meter, network))


def memory_bytes(block: CodedBlock, program: HeldProgram | None = None) -> int:
    """Return the bytes of working memory that decoding `block` takes. Raises FormatError for a malformed one."""
    need_bytes = _COPIES * block.raw_bytes + _BESIDES_BYTES
    if block.method in ROW_METHODS:
        return rows_memory_bytes(block.raw_bytes) + _BESIDES_BYTES
    if block.recipe:
        need_bytes += _recipe(block.recipe).memory_bytes()
    if block.method == GUIDED and program is not None:
        need_bytes += program.network.memory_bytes(1)
    if block.method == TOKENS and program is not None:
        head = read_head(block.code, block.raw_bytes)
        need_bytes += tokens.memory_bytes(program.network, head.lanes, head.streams)
        need_bytes += _TOKEN_BYTES * head.count
    return need_bytes


def coder_memory_bytes(coder: Coder, raw_bytes: int) -> int:
    """Return the most memory_bytes can be for a block of up to `raw_bytes` that encode_block makes."""
    if coder.kept is None:
        need_bytes = level_memory_bytes(coder.level, raw_bytes, coder.guided)
    else:
        need_bytes = coder.kept.recipe.scaled(raw_bytes).memory_bytes() + _COPIES * raw_bytes + _BESIDES_BYTES
    if coder.guided and coder.program is not None:
        need_bytes += coder.program.network.memory_bytes(1)
    elif coder.program is not None:
        need_bytes += tokens.memory_bytes(coder.program.network, *plan_streams(raw_bytes)) + _TOKEN_BYTES * raw_bytes
    return need_bytes


@cache
def level_memory_bytes(level: int, raw_bytes: int, guided: bool = False) -> int:
    """Return the most memory_bytes can be for a block of up to `raw_bytes` that encode_block makes at `level`."""
    tables = max(
        recipe.scaled(raw_bytes).memory_bytes()
        for family in Family
        if family is not Family.RANDOM
        for recipe in _candidates(Finding(family), level, guided)
    )
    return tables + _COPIES * raw_bytes + _BESIDES_BYTES
