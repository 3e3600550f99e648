"""Law files, read as what they are: data from anywhere, of which nothing is believed before it is checked."""

import json
import math
import os
from pathlib import Path
from typing import Any

from multum.errors import FormatError, UsageError
from multum.laws.law import VERSION, HoldOut, Law, RunnerUp

# Larger files are no laws; nothing of one is read before this is known.
_LARGEST_BYTES = 16 << 20


def open_law(source: "str | os.PathLike[str] | Law") -> Law:
    """Return the law in a file, or the one given. Raises FormatError for what is no law of this version, OSError."""
    if isinstance(source, Law):
        return source
    path = Path(source)
    fields = _read_object(path)
    version = fields.pop("multum_law")
    if version != VERSION:
        raise FormatError(
            f"'{path}' is a law of version {version!r}, and this is Multum for version {VERSION}; fit it again with"
            " `multum law`"
        )
    try:
        law = _read_fields(fields)
        _check_parameters(law)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise FormatError(f"'{path}' is a damaged law: {told}; fit it again with `multum law`") from error
    return law


def _read_object(path: Path) -> dict[str, Any]:
    """Return the fields of a law file of any version. Raises FormatError, OSError."""
    if path.stat().st_size > _LARGEST_BYTES:
        raise FormatError(f"'{path}' is no law: it is larger than {_LARGEST_BYTES:,} bytes")
    try:
        fields = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"'{path}' is no law: {error}; `multum law POINTS -o LAW.json` writes one") from error
    if not isinstance(fields, dict) or "multum_law" not in fields:
        raise FormatError(f"'{path}' is no law: it has no 'multum_law'; `multum law POINTS -o LAW.json` writes one")
    return fields


def _read_fields(fields: dict[str, Any]) -> Law:
    """Return the law of a file's fields. Raises KeyError, TypeError, ValueError, AttributeError for odd ones."""
    holdout, floor = fields["holdout"], fields["floor"]
    return Law(
        form=str(fields["form"]),
        formula=str(fields["formula"]),
        floor=None if floor is None else str(floor),
        parameters={str(name): _read_number(name, one) for name, one in fields["parameters"].items()},
        standard_errors={str(name): _read_end(one, math.inf) for name, one in fields["standard_errors"].items()},
        intervals={
            str(name): (_read_end(low, -math.inf), _read_end(high, math.inf))
            for name, (low, high) in fields["intervals"].items()
        },
        expected={str(name): _read_number(name, one) for name, one in fields["expected"].items()},
        objective=_read_number("objective", fields["objective"]),
        delta=_read_positive("delta", fields["delta"]),
        bits=_read_number("bits", fields["bits"]),
        points=int(_read_positive("points", fields["points"])),
        error=_read_number("error", fields["error"]),
        target=str(fields["target"]),
        unit=str(fields["unit"]),
        amounts=str(fields["amounts"]),
        ranges={
            str(name): (_read_positive(name, low), _read_positive(name, high))
            for name, (low, high) in fields["ranges"].items()
        },
        draws=[[_read_number("draws", one) for one in draw] for draw in fields["draws"]],
        noise=_read_number("noise", fields["noise"]),
        drift=_read_number("drift", fields["drift"]),
        holdout=None if holdout is None else HoldOut(**holdout),
        runners_up=tuple(RunnerUp(**one) for one in fields["runners_up"]),
        warnings=tuple(map(str, fields["warnings"])),
        refusals=tuple(map(str, fields["refusals"])),
        notes=tuple(map(str, fields["notes"])),
    )


def _check_parameters(law: Law) -> None:
    """Raise UsageError unless the formula parses and its parameters are those of the file."""
    wanted = [parameter.name for parameter in law.parsed.parameters]
    if "compute" not in law.ranges:
        raise UsageError("it has no range of compute")
    for named in (law.parameters, law.expected):
        if set(wanted) != set(named):
            raise UsageError(f"its formula has the parameters {', '.join(wanted)}, not {', '.join(named)}")
    if not law.draws or any(len(draw) != len(wanted) for draw in law.draws):
        raise UsageError(f"its draws are not of {len(wanted)} parameters each")
    positive = [one.name for one in law.parsed.parameters if one.positive]
    wrong = [name for name in positive if min(law.parameters[name], law.expected[name]) <= 0]
    if wrong:
        raise UsageError(f"{', '.join(wrong)} must be above zero")


def _read_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"'{name}' is {value!r}, not a number")
    return float(value)


def _read_positive(name: str, value: Any) -> float:
    number = _read_number(name, value)
    if number <= 0:
        raise UsageError(f"'{name}' is {number}, not above zero")
    return number


def _read_end(value: Any, otherwise: float) -> float:
    """Return the end of an interval; null is none."""
    return otherwise if value is None else _read_number("intervals", value)
