"""`patterns`, in Python and as a command."""

import json
from pathlib import Path

import pytest

import multum
from multum.cli.app import run
from multum.errors import LimitExceeded
from tests.mining.test_templates import draw_log

BASKETS = "\n".join(["bread,butter,jam", "beer,crisps", "bread, butter ,jam,,milk", "milk", "beer,crisps,milk"] * 30)


def test_items_that_come_together_are_found_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "baskets.csv"
    path.write_text(BASKETS)
    report = multum.patterns(path)
    assert [one.items for one in report.patterns] == [("bread", "butter", "jam"), ("beer", "crisps")]
    assert [one.usage for one in report.patterns] == [60, 60]
    assert report.total_bits < report.plain_bits < 8 * report.raw_bytes
    assert report.kind == "items"
    assert report.complete


def test_sequences_are_in_order() -> None:
    report = multum.patterns(b"home shop pay\nshop home\nhome shop pay\n" * 30, kind="sequence")
    assert [one.text for one in report.patterns] == ["home shop pay", "shop home"]


def test_templates_say_which_lines_are_theirs(tmp_path: Path) -> None:
    lines = draw_log(120)
    report = multum.patterns("\r\n".join(lines).encode(), tmp_path / "t.jsonl", kind="log")
    assert report.header_words == 2
    assert len(report.patterns) == 4
    kinds = {line.split(" ")[2]: report.patterns[place].text for line, place in zip(lines, report.members, strict=True)}
    assert {start: text.split(" ")[0] for start, text in kinds.items()} == {start: start for start in kinds}
    assert report.total_bits < report.plain_bits
    written = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert written == [one.as_dict() for one in report.patterns]


def test_what_templates_save_is_the_difference_of_both_codes() -> None:
    lines = "\n".join(line.split(" ", 2)[2] for line in draw_log(60))
    report = multum.patterns(lines.encode(), kind="log")
    assert report.header_words == 0
    saved = sum(one.saved_bits for one in report.patterns) - report.header_bits
    assert report.plain_bits - report.total_bits == pytest.approx(saved, abs=1e-6)


def test_any_bytes_are_read() -> None:
    report = multum.patterns(b"\xff a\n\xff b\n\x00 c\n\n x", kind="log")
    assert report.rows == 5
    json.dumps(report.as_dict())


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"", {}, "empty"),
        (b"\n\n", {}, "empty"),
        (b",,\n,", {}, "no row has an item"),
        (b"a", {"kind": "tree"}, "'tree' is unknown; kinds are auto, items"),
        (b"a", {"separator": "::"}, "give one character"),
        (b"a", {"time_s": 0}, "more than 0"),
    ],
)
def test_bad_input_is_refused(data: bytes, options: dict[str, object], message: str) -> None:
    with pytest.raises(multum.UsageError, match=message):
        multum.patterns(data, **options)  # type: ignore[arg-type]


def test_too_many_pairs_are_refused_before_they_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multum.mining.miner._MOST_PAIRS", 3)
    with pytest.raises(LimitExceeded, match="have 6 pairs of items; 3 are counted"):
        multum.patterns(b"a b c d")


def test_the_command_shows_patterns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "server.log"
    path.write_text("\n".join(draw_log(100)))
    assert run(["patterns", str(path), "--top", "2", "-v"]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "begins with 2 words" in err
    assert "100 rows, 4 templates" in err


def test_the_command_prints_json_and_refuses_what_it_must(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "baskets.csv"
    path.write_text(BASKETS)
    assert run(["patterns", str(path), "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["patterns"][0]["items"] == ["bread", "butter", "jam"]
    assert run(["patterns", str(path), "-o", str(path)]) == 1
    assert "exists" in capsys.readouterr().err
    assert run(["patterns", str(tmp_path / "none.csv")]) == 1
    assert "No such file" in capsys.readouterr().err
