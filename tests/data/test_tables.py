"""Tables of texts with labels: which columns are taken, and what is said of tables that cannot be."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from multum.data.labelled import read_labelled
from multum.errors import FormatError, UsageError

Write = Callable[[str, str | bytes], Path]


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv", 'label,review\n1,"good, really"\n0,bad\n1,fine\n', "text 'review', label 'label'"),
        ("a.tsv", 'a "fine film\t1\nno\t0\nso good\t1\n', "text 1, label 2"),
        ("sms", "ham\tsee you\nspam\twin now\nham\tok then\n", "text 2, label 1"),
        ("news.csv", '"1","Oil up","Prices rose"\n"2","A match","They won it"\n"1","Oil down","It fell now"\n',
         "text 2 + 3, label 1"),
        ("a.jsonl", '{"text": "x y", "stars": 5}\n\n{"text": "z", "stars": 1}\n', "text 'text', label 'stars'"),
        ("odd.csv", "id,kind,words\n1,a,x y z\n2,b,y z w\n3,a,z w v\n", "text 'words', label 'kind'"),
    ],
)  # fmt: skip
def test_columns_are_guessed(write: Write, name: str, content: str, columns: str) -> None:
    assert read_labelled(write(name, content)).columns == columns


def test_cells_are_kept_as_they_are(write: Write) -> None:
    found = read_labelled(write("a.csv", 'label,text\r\n1,"a ""quoted"", line\nand another"\r\n0,\u2028x\r\n'))
    assert found.inputs == ['a "quoted", line\nand another', "\u2028x"]
    assert found.labels.tolist() == [1, 0]
    assert found.classes == ("0", "1")


def test_tabs_alone_separate_outside_csv(write: Write) -> None:
    found = read_labelled(write("a.tsv", 'say "hi\t0\nx, y\t1\nz\t0\n'))
    assert found.inputs == ['say "hi', "x, y", "z"]


def test_asked_columns_win_by_name_or_number(write: Write) -> None:
    path = write("a.csv", "title,body,label,mood\none,two,1,sad\nthree,four,2,gay\nfive,six,2,sad\n")
    found = read_labelled(path, ["title", "2"], "mood")
    assert found.inputs == ["one two", "three four", "five six"]
    assert found.classes == ("gay", "sad")


def test_whole_numbers_are_ordered_by_value(write: Write) -> None:
    assert read_labelled(write("a.tsv", "x\t10\ny\t9\nz\t10\n")).classes == ("9", "10")


def test_gzip_and_a_mark_of_byte_order_are_read(write: Write) -> None:
    path = write("a.csv.gz", gzip.compress(b"\xef\xbb\xbflabel,text\n1,a\n0,b\n"))
    assert read_labelled(path).columns == "text 'text', label 'label'"


def test_the_digest_follows_content_and_choice(write: Write) -> None:
    one, same = (read_labelled(write(name, "x\t1\ny\t0\n")) for name in ("a.tsv", "b.tsv"))
    other = read_labelled(write("c.tsv", "x\t1\nz\t0\n"))
    assert one.digest == same.digest != other.digest
    assert one.take(one.labels[:1]).digest != one.digest


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "label,text\n", "empty but for its header"),
        ("a.csv", "text\nonly\n", "has one column"),
        ("a.csv", "label,text\n1,a\n0,b,c\n", "2 columns in line 1 and 3 in line 3"),
        ("a.csv", "label,text\n,a\n1,b\n,c\n", "2 rows without a label in column 'label', at line 2, 4"),
        ("a.csv", 'label,text\n1,"open', "not csv at line 2"),
        ("a.csv", b"label,text\n1,\xff\n", r"not UTF-8; .* \(at byte 13\)"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{broken\n', "not JSON at line 2"),
        ("a.jsonl", "[1, 2]\n", "has a list at line 1"),
        ("a.jsonl", '{"text": "a", "label": 1}\n{"text": "b"}\n', "1 rows without a label .* at line 2"),
        ("a.csv.gz", b"not gzip", "damaged or not gzip"),
    ],
)
def test_bad_tables_are_refused(write: Write, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_labelled(write(name, content))


def test_a_missing_column_is_answered_with_those_there_are(write: Write) -> None:
    path = write("a.csv", "label,text\n1,a\n0,b\n")
    with pytest.raises(UsageError, match="has no column 'mood'; its columns are 'label', 'text'"):
        read_labelled(path, label_column="mood")
    with pytest.raises(UsageError, match="has no column '3'; its columns are 1 to 2, without names"):
        read_labelled(write("b.tsv", "x y\t1\nz w\t1\n"), ["3"])
    with pytest.raises(UsageError, match="cannot be both text and label"):
        read_labelled(path, ["text"], "text")


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.csv"):
        read_labelled(tmp_path / "gone.csv")


def test_labels_are_renumbered_by_known_classes(write: Write) -> None:
    found = read_labelled(write("a.tsv", "x\tb\ny\tc\nz\tb\n"))
    assert found.with_classes(("a", "b", "c")).labels.tolist() == [1, 2, 1]
    with pytest.raises(UsageError, match="labels that the program does not know: 'c'; it knows 'a', 'b'"):
        found.with_classes(("a", "b"))
