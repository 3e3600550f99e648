"""The ledger adds up, keeps measured and estimated apart, and can be read by people and machines."""

import dataclasses
import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import multum
from multum import Ledger
from multum.bits.ledger import Part
from tests.archive.samples import text

bits = st.integers(0, 1 << 50)
measured = st.builds(
    lambda name, a, b, c, d: Ledger.measured(name, program_bits=a, code_bits=b, container_bits=c, raw_bits=d),
    st.sampled_from(["a", "b", "c"]),
    bits,
    bits,
    bits,
    bits,
)

NET = Ledger.measured("net.bin", program_bits=3_400_000, code_bits=0, container_bits=800)
TEXT = Ledger.measured("text", code_bits=1_600_000, container_bits=1_200, raw_bits=8_000_000)


@given(st.lists(measured, min_size=1, max_size=6))
def test_sums_keep_every_bit(ledgers: list[Ledger]) -> None:
    whole = sum(ledgers)
    assert isinstance(whole, Ledger)
    assert whole.total_bits == sum(ledger.total_bits for ledger in ledgers)
    assert whole.raw_bits == sum(ledger.raw_bits for ledger in ledgers)
    assert {part.name for part in whole.parts} == {ledger.parts[0].name for ledger in ledgers}
    assert whole.total_bits == whole.program_bits + whole.code_bits + whole.container_bits


@given(measured, measured, measured)
def test_the_order_of_adding_does_not_matter(a: Ledger, b: Ledger, c: Ledger) -> None:
    assert (a + b) + c == a + (b + c)
    assert (a + b).whole == (b + a).whole


def test_the_rate_is_total_bits_a_raw_byte() -> None:
    assert (NET + TEXT).rate_bpb == 5_002_000 / 1_000_000
    assert NET.rate_bpb is None


def test_measured_and_estimated_never_share_a_column() -> None:
    estimate = Ledger.estimated("text", code_bits=1_599_999.25, raw_bits=8_000_000)
    with pytest.raises(multum.UsageError, match="a measured and an estimated ledger do not add up"):
        _ = TEXT + estimate
    with pytest.raises(multum.UsageError, match="an estimated and a measured ledger do not add up"):
        _ = estimate + TEXT


def test_a_measured_part_has_no_fractions_of_a_bit() -> None:
    with pytest.raises(multum.UsageError, match=r"'text' has 0\.5 code_bits.*use Ledger\.estimated"):
        Ledger("measured", (Part("text", code_bits=0.5),))


@pytest.mark.parametrize("value", [-1, -0.5, math.nan, math.inf])
def test_bits_are_finite_and_not_negative(value: float) -> None:
    with pytest.raises(multum.UsageError, match="finite and not negative"):
        Ledger.estimated("text", code_bits=value)


def test_a_basis_or_name_that_means_nothing_is_refused() -> None:
    with pytest.raises(multum.UsageError, match="'measured' or 'estimated', not 'guessed'"):
        Ledger("guessed")
    with pytest.raises(multum.UsageError, match="names of their own"):
        Ledger("measured", (Part("a"), Part("a")))
    with pytest.raises(multum.UsageError, match="names of their own"):
        Ledger.measured("")


def test_only_ledgers_are_added() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = TEXT + 1
    with pytest.raises(TypeError, match="unsupported operand"):
        _ = 1 + TEXT


def test_a_ledger_is_never_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError, match="parts"):
        TEXT.parts = ()  # type: ignore[misc]


def test_a_table_has_a_row_a_part_and_a_total() -> None:
    assert str(NET + TEXT).splitlines() == [
        "measured bits    program       code  container      total        raw    bpb",
        "net.bin        3,400,000          0        800  3,400,800          0      -",
        "text                   0  1,600,000      1,200  1,601,200  8,000,000  1.601",
        "total          3,400,000  1,600,000      2,000  5,002,000  8,000,000  5.002",
    ]
    assert len(str(TEXT).splitlines()) == 2


def test_json_has_totals_basis_and_parts() -> None:
    found = json.loads((NET + TEXT).to_json())
    assert found["basis"] == "measured"
    assert (found["total_bits"], found["rate_bpb"]) == (5_002_000, 5.002)
    assert [part["name"] for part in found["parts"]] == ["net.bin", "text"]
    assert found["parts"][1]["rate_bpb"] == 1.6012


def test_reports_and_listings_account_for_every_bit_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(text(3000))
    report = multum.pack(tmp_path / "a.txt", level=1)
    listing = multum.list_archive(tmp_path / "a.txt.mtm")
    for ledger in (report.ledger, listing.ledger):
        assert ledger.basis == "measured"
        assert ledger.total_bits == 8 * (tmp_path / "a.txt.mtm").stat().st_size
        assert (ledger.program_bits, ledger.raw_bits, ledger.rate_bpb) == (0, 24_000, report.bpb)
    assert [part.name for part in listing.ledger.parts] == ["a.txt"]


def test_content_without_a_name_still_has_an_account() -> None:
    ledger = multum.list_archive(io.BytesIO(multum.pack_bytes(b"", 1))).ledger
    assert ([part.name for part in ledger.parts], ledger.rate_bpb) == (["content"], None)
