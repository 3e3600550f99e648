"""The recipe of a network: everything but its weights, small enough to travel in a header.

Invariant: two recipes with equal bytes make equal networks, and every value that
from_bytes accepts makes a network that stays inside its tables and its stated memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from multum.errors import FormatError
from multum.mixing import features
from multum.mixing.mixer import FIRST_GUIDED, SETS

MAX_CONTEXTS = 64
MAX_SETS = 24
MAX_MATCHES = 4
MAX_BITS = 26
MAX_RECORD_BYTES = 1 << 20
FAMILIES = ("binary", "text", "lines", "record", "genome", "cjk")

# Field sizes of the fixed part, in bytes; little-endian.
_SCALARS = (
    ("family", 1),
    ("level", 1),
    ("slot_bits", 1),
    ("direct_bits", 1),
    ("run_bits", 1),
    ("refine_bits", 1),
    ("head_bits", 1),
    ("inputs_each", 1),
    ("map_limit", 2),
    ("direct_limit", 2),
    ("rate", 2),
    ("rate_start", 2),
    ("rate_half_bits", 1),
    ("final_rate", 2),
    ("refine_shift", 1),
    ("skip", 2),
    ("first_weight", 2),
    ("sure_length", 2),
    ("separator", 1),
    ("record_bytes", 3),
    ("stride", 1),
    ("width", 1),
    ("big", 1),
)
SCALAR_BYTES = sum(size for _, size in _SCALARS)


class Context(NamedTuple):
    """Up to four features hashed together; direct and run say what else is kept for it."""

    features: tuple[int, ...]
    direct: bool = False
    run: bool = False


@dataclass(frozen=True)
class Structure:
    """Which predictions are made and how they are mixed."""

    contexts: tuple[Context, ...]
    selectors: tuple[tuple[int, int], ...]  # (mode, feature) of each weight set
    finals: tuple[tuple[int, int], ...]  # the same for the second layer; none for one selector
    refiners: tuple[tuple[int, int], ...]  # two features of each final adjustment
    matches: tuple[int, ...]  # shortest length of each match model
    guided: bool = False  # whether a trained network forecasts, and contexts correct what it says

    def used(self) -> set[int]:
        """Return every feature number that is read."""
        pairs = [*self.refiners, *[(f,) for _, f in self.selectors], *[(f,) for _, f in self.finals]]
        return {f for group in [*[c.features for c in self.contexts], *pairs] for f in group}

    def to_bytes(self) -> bytes:
        """Return the structure serialised, as docs/CODING.md describes."""
        out = bytearray([len(self.contexts)])
        for c in self.contexts:
            out.append(len(c.features) | c.direct << 3 | c.run << 4)
            out += bytes(c.features)
        for pairs in (self.selectors, self.finals, self.refiners):
            out.append(len(pairs))
            for pair in pairs:
                out += bytes(pair)
        return bytes(out + bytes([len(self.matches) | self.guided << 7, *self.matches]))


@dataclass(frozen=True)
class Recipe:
    """A network to be: sizes in bits (log2), limits and rates as the engine takes them."""

    structure: Structure
    family: int = 0
    level: int = 5
    slot_bits: int = 20
    direct_bits: int = 16
    run_bits: int = 18
    refine_bits: int = 12
    head_bits: int = 18
    inputs_each: int = 2
    map_limit: int = 255
    direct_limit: int = 255
    rate: int = 100
    rate_start: int = 1000
    rate_half_bits: int = 16
    final_rate: int = 40
    refine_shift: int = 6
    skip: int = 60
    first_weight: int = 9830
    sure_length: int = 0
    separator: int = 32
    record_bytes: int = 1
    stride: int = 1
    width: int = 1
    big: int = 0
    primers: tuple[int, ...] = field(default=())

    @property
    def name(self) -> str:
        """Return a short name for people: what the data was taken for, and the level."""
        record = f"({self.record_bytes})" if self.record_bytes > 1 else ""
        return f"{FAMILIES[self.family]}{record}-{self.level}"

    def groups(self) -> int:
        """Return the groups of features that this recipe needs."""
        used = self.structure.used()
        found = 0
        for group, members in features.GROUPS.items():
            if used & members:
                found |= group
        return found

    def strand_count(self) -> int:
        """Return how many tables of counts on both strands the recipe needs, of 2**slot_bits cells each."""
        return (self.groups() >> features.STRAND).bit_count()

    def farthest(self) -> tuple[int, int]:
        """Return (longest order hashed, farthest single byte looked at)."""
        used = self.structure.used()
        orders = [f for f in used if features.ORDER < f <= features.ORDER + 32]
        bytes_back = [f - features.BYTE for f in used if features.BYTE < f <= features.BYTE + 16]
        high = [4] if used & {features.HIGH_NIBBLES, features.HIGH_BITS} else []
        return max([*orders, *self.structure.matches, 0]), max([*bytes_back, *high, 0])

    def input_count(self) -> int:
        """Return the number of mixer inputs, bias included, rounded up to eight."""
        return -(-(self.forecast_at() + self.structure.guided) // 8) * 8

    def forecast_at(self) -> int:
        """Return the place of a forecast among the inputs: after all others."""
        s = self.structure
        extra = sum(c.direct + c.run for c in s.contexts)
        return len(s.contexts) * self.inputs_each + extra + 2 * len(s.matches) + 1

    def memory_bytes(self) -> int:
        """Return the bytes of tables that a network of this recipe allocates."""
        s = self.structure
        sets = sum(SETS[mode] for mode, _ in s.selectors) * self.input_count() * 4
        finals = sum(SETS[mode] for mode, _ in s.finals) * len(s.selectors) * 4
        directs = any(c.direct for c in s.contexts)
        runs = any(c.run for c in s.contexts)
        return (
            (16 << self.slot_bits)
            + ((64 << self.direct_bits) if directs else 64)
            + ((4 << self.run_bits) if runs else 4)
            + len(s.refiners) * (50 << self.refine_bits)
            + len(s.matches) * (4 << self.head_bits)
            + sets
            + finals
            + len(s.contexts) * 1024
            + self.strand_count() * (4 << self.slot_bits)
            + (1 << 20)
        )

    def to_bytes(self) -> bytes:
        """Return the recipe serialised: scalars, primers, and a structure by number or in full."""
        from multum.mixing.structures import STRUCTURES

        scalars = b"".join(getattr(self, name).to_bytes(size, "little") for name, size in _SCALARS)
        primers = bytes([len(self.primers), *self.primers])
        if self.structure in STRUCTURES:
            return scalars + primers + bytes([1 + STRUCTURES.index(self.structure)])
        return scalars + primers + b"\0" + self.structure.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recipe":
        """Return the recipe that `data` serialises. Raises FormatError saying what is wrong with it."""
        from multum.mixing.primers import PRIMERS
        from multum.mixing.structures import STRUCTURES

        reader = _Reader(data)
        values = {name: int.from_bytes(reader.take(size), "little") for name, size in _SCALARS}
        primers = tuple(reader.take(reader.byte()))
        number = reader.byte()
        if number > len(STRUCTURES) or any(p >= len(PRIMERS) for p in primers):
            raise FormatError("recipe uses a structure or primer this version does not know; upgrade multum")
        structure = STRUCTURES[number - 1] if number else reader.structure()
        reader.finish()
        recipe = cls(structure=structure, primers=primers, **values)
        recipe.validate()
        return recipe

    def validate(self) -> None:
        """Raise FormatError unless every value is inside what the engine can take."""
        for what, value, low, high in self._bounds():
            if not low <= value <= high:
                raise FormatError(f"recipe has {what} {value}; allowed is {low} to {high}")
        s = self.structure
        if not s.contexts or not s.selectors or (len(s.selectors) > 1) != bool(s.finals):
            raise FormatError("recipe needs contexts, selectors, and a second layer exactly when it has several")
        if self.record_bytes != self.stride and self.record_bytes < self.stride + self.width:
            raise FormatError(f"recipe has records of {self.record_bytes} bytes for a stride of {self.stride}")
        modes = [mode for mode, _ in (*s.selectors, *s.finals)]
        if any(mode >= (len(SETS) if s.guided else FIRST_GUIDED) for mode in modes):
            raise FormatError("recipe selects a weight set in a way this version does not know")
        if not s.used() <= features.KNOWN or any(len(c.features) > 4 for c in s.contexts):
            raise FormatError("recipe uses a feature this version does not know")

    def _bounds(self) -> Iterator[tuple[str, int, int, int]]:
        s = self.structure
        yield "contexts", len(s.contexts), 1, MAX_CONTEXTS
        yield "selectors", len(s.selectors), 1, MAX_SETS
        yield "finals", len(s.finals), 0, MAX_SETS
        yield "refiners", len(s.refiners), 0, MAX_SETS
        yield "match models", len(s.matches), 0, MAX_MATCHES
        for length in s.matches:
            yield "match length", length, 1, 32
        yield "family", self.family, 0, len(FAMILIES) - 1
        for name in ("slot_bits", "direct_bits", "run_bits", "refine_bits", "head_bits"):
            yield name, getattr(self, name), 4, MAX_BITS
        yield "inputs_each", self.inputs_each, 1, 2
        yield "map_limit", self.map_limit, 1, 510
        yield "direct_limit", self.direct_limit, 1, 510
        yield "rate", self.rate, 0, 2000
        yield "rate_start", self.rate_start, self.rate, 2000
        yield "rate_half_bits", self.rate_half_bits, 0, 30
        yield "final_rate", self.final_rate, 0, 2000
        yield "refine_shift", self.refine_shift, 1, 15
        yield "record_bytes", self.record_bytes, 1, MAX_RECORD_BYTES
        yield "stride", self.stride, 1, 255
        yield "width", self.width, 1, min(2, self.stride)  # a field ends before the next one begins
        yield "big", self.big, 0, 1
        yield "primers", len(self.primers), 0, 8

    def scaled(self, raw_bytes: int) -> "Recipe":
        """Return the recipe with tables no larger than raw_bytes of data can fill."""
        s = self.structure
        bits = max(raw_bytes, 256).bit_length()
        # two new slots a byte and context at most; on the fast levels a tighter table is a faster one
        room = 0 if self.level > 6 else 3
        directs = sum(c.direct for c in s.contexts)
        return replace(
            self,
            slot_bits=max(12, min(self.slot_bits, bits + len(s.contexts).bit_length() - room)),
            direct_bits=max(10, min(self.direct_bits, bits + directs.bit_length() - 1)),
            run_bits=max(10, min(self.run_bits, bits + 2)),
            refine_bits=max(8, min(self.refine_bits, bits)),
            head_bits=max(10, min(self.head_bits, bits + 1)),
        )


class _Reader:
    """Takes a serialised recipe apart, refusing to run past its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise FormatError(f"recipe ends after {len(self.data)} bytes; it needs {self.at + size}")
        self.at += size
        return self.data[self.at - size : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def pairs(self) -> tuple[tuple[int, int], ...]:
        return tuple((self.byte(), self.byte()) for _ in range(self.byte()))

    def structure(self) -> Structure:
        contexts = []
        for _ in range(self.byte()):
            head = self.byte()
            if head >> 5:
                raise FormatError(f"recipe has a context kind this version does not know: {head:#04x}")
            contexts.append(Context(tuple(self.take(head & 7)), bool(head & 8), bool(head & 16)))
        selectors, finals, refiners = self.pairs(), self.pairs(), self.pairs()
        matches = self.byte()
        return Structure(
            tuple(contexts), selectors, finals, refiners, tuple(self.take(matches & 127)), guided=matches > 127
        )

    def finish(self) -> None:
        if self.at != len(self.data):
            raise FormatError(f"recipe has {len(self.data) - self.at} bytes after its end")
