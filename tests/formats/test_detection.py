"""What data that everyone has is taken for; a finding depends on the bytes alone."""

import csv
import io
import json.decoder
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multum.formats.detection import Family, Finding, detect
from multum.mixing.primers import CHINESE, read_primer
from tests.archive.samples import source, text

random = np.random.default_rng(1).bytes


def table(separator: str) -> bytes:
    """Return 400 lines of a table with six fields."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    writer.writerows([(i, f"name{i % 17}", i * i % 97, "yes" if i % 3 else "no", i / 8, "x") for i in range(400)])
    return out.getvalue().encode()


def ramp(kind: str) -> bytes:
    """Return a slow wave of 16-bit numbers in the given byte order."""
    return (20000 + 9000 * np.sin(np.arange(20000) / 300)).astype(kind).tobytes()


def picture(height: int, width: int, channels: int) -> bytes:
    """Return smooth pixels with some noise, row by row."""
    rows, columns = np.mgrid[:height, :width]
    planes = [128 + 60 * np.sin(rows / 19 + k) + 50 * np.cos(columns / (23 + k)) for k in range(channels)]
    noise = np.random.default_rng(2).integers(-3, 4, (height, width, channels))
    return (np.stack(planes, -1) + noise).clip(0, 255).astype(np.uint8).tobytes()


def test_prose_is_text() -> None:
    finding = detect(text(60_000))
    assert finding.family is Family.TEXT
    assert not finding.markup


def test_program_source_is_text_with_code() -> None:
    finding = detect(source())
    assert (finding.family, finding.code) == (Family.TEXT, True)
    assert detect(Path(json.decoder.__file__).read_bytes()) == finding


def test_markup_is_text_with_markup() -> None:
    page = b"".join(b"<li><a href='%d.html'>entry number %d</a></li>\n" % (i, i) for i in range(500))
    assert detect(page).markup
    assert detect(page).family in (Family.TEXT, Family.LINES)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_tables_are_lines_with_their_separator(separator: str) -> None:
    finding = detect(table(separator))
    assert (finding.family, finding.separator) == (Family.LINES, ord(separator))


def test_chinese_is_cjk() -> None:
    assert detect(read_primer(CHINESE)).family is Family.CJK


def test_nucleotides_are_a_genome() -> None:
    bases = np.frombuffer(b"ACGT", np.uint8)[np.random.default_rng(3).integers(0, 4, 50_000)]
    assert detect(bases.tobytes()).family is Family.GENOME


@pytest.mark.parametrize("size", [4096, 50_000, 1_000_000])
def test_noise_is_random(size: int) -> None:
    assert detect(random(size)).family is Family.RANDOM


@pytest.mark.parametrize(("kind", "big"), [("<u2", False), (">u2", True)])
def test_sixteen_bit_numbers_are_records_of_two_bytes(kind: str, big: bool) -> None:
    finding = detect(ramp(kind))
    assert finding.family is Family.RECORD
    assert (finding.stride, finding.width, finding.big) == (2, 2, big)


@pytest.mark.parametrize(("height", "width", "channels"), [(120, 200, 1), (90, 160, 3), (80, 100, 4)])
def test_pictures_are_records_of_a_row(height: int, width: int, channels: int) -> None:
    finding = detect(picture(height, width, channels))
    assert finding.family is Family.RECORD
    assert finding.record_bytes == width * channels
    assert (finding.stride, finding.width) == (channels, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at an ELF executable")
def test_an_executable_is_binary_data() -> None:
    data = Path(sys.executable).resolve().read_bytes()[: 4 << 20]
    assert detect(data).family in (Family.BINARY, Family.RECORD)


def test_calls_of_machine_code_are_seen() -> None:
    places = np.random.default_rng(4)
    code = b"".join(
        b"\x48\x89\xe5\xe8" + int(places.integers(0, 1 << 20)).to_bytes(4, "little") + places.bytes(9)
        for _ in range(3000)
    )
    assert detect(code).x86
    assert not detect(text(60_000)).x86


def test_what_is_too_short_to_measure_is_text_or_binary() -> None:
    assert detect(b"") == Finding(Family.BINARY)
    assert detect(b"a" * 63) == Finding(Family.TEXT)
    assert detect(b"\x01" * 63) == Finding(Family.BINARY)


@given(st.binary(min_size=48, max_size=500))
@settings(max_examples=60)
def test_any_bytes_are_taken_for_something(data: bytes) -> None:
    finding = detect(data)
    assert detect(bytes(bytearray(data))) == finding
    assert finding.record_bytes == finding.stride or finding.record_bytes >= finding.stride + finding.width


@given(st.integers(0, 255), st.integers(60, 420))
@settings(max_examples=40)
def test_short_blocks_of_any_length_are_measured(seed: int, size: int) -> None:
    detect(np.random.default_rng(seed).bytes(size))


def test_a_finding_depends_on_the_bytes_alone() -> None:
    for data in (text(60_000), table(","), ramp("<u2"), picture(60, 90, 3), random(9000)):
        assert detect(data) == detect(memoryview(data).tobytes())
