"""Which field of a record is what: asked for by name, or guessed from names that people use; and its unit."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from multum.errors import UsageError
from multum.laws.reading import Record

# Column of a law -> what fields with it are called, likeliest first; without case, spaces and signs.
_NAMES = {
    "N": "n parameters params nparams numparams numparameters modelsize modelparams modelparameters nonembeddingparams"
    " nonembeddingparameters paramsnoembed size",
    "D": "d tokens ntokens numtokens trainingtokens traintokens totaltokens tokensseen tokenct tokencount dtokens"
    " datasetsize data bytes trainingbytes trainbytes",
    "U": "u unique uniquetokens uniquedata uniquebytes ud",
    "C": "c flops flop compute trainingflop trainingflops trainflops trainflop totalflops",
    "H": "h ratio compressionratio gzip gzipratio gzipability compressibility multumratio datasetgzip entropy",
    "P": "p precision trainingbits trainbits weightbits bits bitsperweight wbits pw",
    "Pa": "pa activationbits abits",
    "Pkv": "pkv kvbits",
    "Q": "q posttrainingbits ppost ptqbits quantizedbits quantbits",
}
KNOWN = {column: names.split() for column, names in _NAMES.items()}
# Field of the target -> its unit, likeliest first.
TARGETS = {
    "loss": "nats",
    "l": "nats",
    "bpb": "bits",
    "bitsperbyte": "bits",
    "valloss": "nats",
    "validloss": "nats",
    "validationloss": "nats",
    "testloss": "nats",
    "evalloss": "nats",
    "finalloss": "nats",
    "trainloss": "nats",
    "crossentropy": "nats",
    "nats": "nats",
    "bits": "bits",
    "bpc": "bits",
    "perplexity": "perplexity",
    "ppl": "perplexity",
    "valppl": "perplexity",
    "validppl": "perplexity",
}
UNITS = ("nats", "bits", "perplexity", "none")

_NUMBER = re.compile(r"([+-]?[\d_,]*\.?\d+(?:[eE][+-]?\d+)?)\s*([kKmMbBgGtT]?)")
_SUFFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}


def simplify(name: str) -> str:
    """Return a name without what people write differently: case, spaces, signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def list_fields(records: Iterable[Record]) -> list[str]:
    """Return the names of fields in the order in which they first come."""
    return list(dict.fromkeys(name for record in records for name in record.fields))


def find_columns(records: Sequence[Record], asked: Mapping[str, str], over: Iterable[str]) -> dict[str, str]:
    """Return the field of each column of a law that the records have.

    asked: column -> field, which overrule guesses. over: columns that forms over any columns take. Raises UsageError.
    """
    fields = list_fields(records)
    for column, field in asked.items():
        _check_field(records, fields, column, field)
    taken = set(asked.values())
    free = {simplify(field): field for field in reversed(fields) if field not in taken}
    found = dict(asked)
    for column, names in KNOWN.items():
        guess = next((free[name] for name in names if name in free), None)
        if column not in found and guess is not None and guess not in found.values():
            found[column] = guess
    for column in over:
        if column not in found:
            _check_field(records, fields, column, column)
            found[column] = column
    return found


def _check_field(records: Sequence[Record], fields: Sequence[str], column: str, field: str) -> None:
    """Raise UsageError unless `column` can be a name in a formula and some record has `field`."""
    if not column.isidentifier():
        raise UsageError(f"'{column}' cannot be a column's name in a formula; take letters, digits and _")
    if all(record.find(field) is None for record in records):
        raise UsageError(f"no row has a field '{field}'; there are {', '.join(map(repr, fields))}")


def find_target(records: Sequence[Record], asked: str | None, unit: str | None) -> tuple[str | None, str]:
    """Return (the field that a law predicts, its unit); the field is None where there is none.

    Raises UsageError for a field or a unit that is not there, and where rows disagree about the unit.
    """
    if unit is not None and unit not in UNITS:
        raise UsageError(f"'{unit}' is no unit of a loss; units are {', '.join(UNITS)}")
    fields = list_fields(records)
    if asked is not None:
        if all(record.find(asked) is None for record in records):
            raise UsageError(f"no row has a field '{asked}' to predict; there are {', '.join(map(repr, fields))}")
        return asked, unit or TARGETS.get(simplify(asked.split(".")[0]), "nats")
    simple = {simplify(field): field for field in reversed(fields)}
    found = [simple[name] for name in TARGETS if name in simple]
    if not found:
        return None, unit or "nats"
    _check_one_target(records, found)
    return found[0], unit or TARGETS[simplify(found[0])]


def _check_one_target(records: Sequence[Record], fields: Sequence[str]) -> None:
    """Raise UsageError when some rows have only one of the targets and others only another."""
    chosen = fields[0]
    others = [record for record in records if record.find(chosen) is None]
    for field in fields[1:]:
        if any(record.find(field) is not None for record in others):
            raise UsageError(
                f"mixed units: some rows have '{chosen}' and others '{field}' ({others[0].place});"
                " bring them to one, or choose one with --target"
            )


def read_number(value: Any) -> float | None:
    """Return a number, also one written as 70M or 1.4B; None for what is none; NaN and infinity as they are."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float) or hasattr(value, "__float__"):
        return float(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    match = _NUMBER.fullmatch(text)
    if match is not None:
        return float(match[1].replace(",", "").replace("_", "")) * _SUFFIXES[match[2].lower()]
    return float(text) if text.lower().lstrip("+-") in ("nan", "inf", "infinity") else None


def convert_target(value: float, unit: str) -> float:
    """Return a target as it is fitted: perplexity becomes nats."""
    return math.log(value) if unit == "perplexity" and value > 0 else value
