"""The comparison shows what was measured, unpacks everything, and says so when something is not equal."""

import json

import pytest

from multum.reporting.comparison import TOTAL, Row, compare, make_table, measure_codec, sum_rows, to_json
from multum.reporting.peers import Codec, Skipped, list_ours, list_peers
from multum.reporting.specimens import Specimen

TEXT = Specimen("text", b"much in little, " * 64)


def make_row(file: str, codec: str, packed_bytes: int = 10, verified: bool = True) -> Row:
    return Row(file, 100, codec, packed_bytes, 0.5, 0.25, verified)


@pytest.mark.parametrize("codec", list_peers()[0] + list_ours([1]), ids=lambda codec: codec.name)
@pytest.mark.parametrize("data", [b"", b"x", TEXT.data], ids=["empty", "one byte", "text"])
def test_every_codec_gives_the_data_back(codec: Codec, data: bytes) -> None:
    row = measure_codec(codec, Specimen("data", data))
    assert row.verified
    assert row.raw_bytes == len(data)
    assert row.packed_bytes == len(codec.pack(data))


def test_gzip_peer_writes_the_gzip_container() -> None:
    gzip = next(codec for codec in list_peers()[0] if codec.name == "gzip -9")
    assert gzip.pack(b"data").startswith(b"\x1f\x8b")


def test_a_codec_that_loses_data_is_not_verified() -> None:
    row = measure_codec(Codec("lossy", lambda data: data[:5], lambda code: code), TEXT)
    assert not row.verified


def test_compare_announces_each_step_in_order() -> None:
    heard: list[tuple[str, str]] = []
    same = Codec("same", bytes, bytes)
    rows = list(compare([TEXT, Specimen("more", b"more")], [same], lambda *step: heard.append(step)))
    assert heard == [("text", "same"), ("more", "same")]
    assert [row.file for row in rows] == ["text", "more"]


def test_sums_add_up_for_each_codec_and_keep_their_order() -> None:
    rows = [
        make_row("a", "z", 10),
        make_row("a", "b", 20),
        make_row("c", "z", 1, verified=False),
        make_row("c", "b", 2),
    ]
    sums = sum_rows(rows)
    assert [(row.file, row.codec, row.packed_bytes, row.raw_bytes) for row in sums] == [
        (TOTAL, "z", 11, 200),
        (TOTAL, "b", 22, 200),
    ]
    assert [row.verified for row in sums] == [False, True]
    assert sums[0].pack_cpu_s == 1.0


def test_rates_of_empty_data_are_zero() -> None:
    assert Row("empty", 0, "x", 20, 0.0, 0.0, True).rate_bpb == 0.0


def test_json_holds_rows_totals_and_what_was_skipped() -> None:
    said = json.loads(json.dumps(to_json([make_row("a", "x")], [Skipped("zstd -19", "missing")])))
    assert said["rows"][0]["bpb"] == 0.8
    assert said["rows"][0]["ratio"] == 10.0
    assert said["totals"][0]["file"] == TOTAL
    assert said["skipped"] == [{"name": "zstd -19", "reason": "missing"}]


@pytest.mark.parametrize(("files", "sections"), [(["a"], 1), (["a", "b"], 3)])
def test_table_has_a_section_a_file_and_totals_only_for_several(files: list[str], sections: int) -> None:
    table = make_table([make_row(file, "x") for file in files])
    assert table.row_count == 2 * sections
