"""Data in parts: lines, records, or so many bytes each.

Invariant: parts follow one another and are all of the data.
"""

import re

import numpy as np
from numpy.typing import NDArray

from multum.errors import UsageError
from multum.formats.detection import detect

UNITS = "line, record, or a number of bytes"


def cut_parts(data: bytes, unit: str) -> NDArray[np.int64]:
    """Return int64[parts + 1]: where each part begins, and where the last one ends.

    unit: "line", with its line feed; "record", of the length that the data are found to have; or a number of bytes.
    Raises UsageError.
    """
    if unit == "line":
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
        inner = ends[ends < len(data)]
        return np.concatenate([[0], inner, [len(data)] * (len(data) > 0)]).astype(np.int64)
    size = _find_record(data) if unit == "record" else _read_size(unit)
    return np.array([*range(0, len(data), size), len(data)], np.int64)


def _find_record(data: bytes) -> int:
    """Return the bytes of a record. Raises UsageError for data without."""
    size = detect(data).record_bytes
    if size < 2:
        raise UsageError("no records of equal length are found in the data; give --unit line, or their bytes")
    return size


def _read_size(unit: str) -> int:
    """Return a number of bytes, written as 4096 or 4096 bytes. Raises UsageError."""
    match = re.fullmatch(r"(\d{1,12})(?: ?bytes?)?", unit.strip())
    if match is None or not int(match[1]):
        raise UsageError(f"unit '{unit}' is unknown; units are {UNITS}")
    return int(match[1])
