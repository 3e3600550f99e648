"""Templates of logs."""

import random

import pytest

from multum.mining.headers import code_column, count_plain, find_header
from multum.mining.lengths import DISCOUNTS, code_best, code_counts, code_presence, count_integer, measure_word, spell
from multum.mining.reading import split_words
from multum.mining.searching import shorten
from multum.mining.templates import Book, find_affixes
from tests.mining.reference import Coder, Learnt, code_integer, code_word

USERS = ("anna", "bert", "carla", "dora", "emil", "fritz", "gerda", "hans")


def draw_log(count: int, seed: int = 0) -> list[str]:
    """Return lines of four kinds, two of them alike but for a word."""
    generator = random.Random(seed)
    lines = []
    for number in range(count):
        user, port = generator.choice(USERS), generator.randint(1024, 65535)
        lines.append(
            f"2026-03-01 10:{number // 60:02}:{number % 60:02} "
            + generator.choice(
                [
                    f"Accepted password for {user} from port {port}",
                    f"Failed password for root{port} from port {port}",
                    f"disk <sd{port % 3}> is {port % 100}% full",
                    "nothing to do",
                ]
            )
        )
    return lines


def test_lines_that_differ_in_a_name_are_one_template() -> None:
    lines = [split_words(line)[2:] for line in draw_log(200)]
    book = Book(lines)
    assert len(book.templates) == 3 + len(USERS)
    assert shorten(book, lambda: False)
    assert sorted(map(str, book.templates.values())) == [
        "Accepted password for <*> from port <*>",
        "Failed password for <*> from port <*>",
        "disk <<*>> is <*>% full",
        "nothing to do",
    ]


def test_every_join_saves_what_was_weighed() -> None:
    book = Book([split_words(line)[2:] for line in draw_log(80)])
    names = [number for number, one in book.templates.items() if one.words[0] == "Accepted"]
    words = ("Accepted", "password", "for", None, "from", "port", None)
    before = sum(book.count_bits())
    saved, joined = book.weigh(names, words)
    book.join(names, joined)
    assert before - sum(book.count_bits()) == pytest.approx(saved, abs=1e-6)
    assert sum(book.share_bits().values()) == pytest.approx(sum(book.count_bits()), abs=1e-6)


def test_a_header_is_what_every_line_begins_with() -> None:
    assert find_header([split_words(line) for line in draw_log(150)]) == 2
    assert find_header([split_words(line)[2:] for line in draw_log(150)]) == 0


def test_a_slot_that_never_changes_is_a_word() -> None:
    book = Book([["unit", "ssh2", "is", state] for state in ("up", "down", "up")])
    shorten(book, lambda: False)
    assert {str(one) for one in book.templates.values()} == {"unit ssh2 is up", "unit ssh2 is down"}


@pytest.mark.parametrize(
    ("values", "affixes"),
    [
        (("blk_-12", "blk_-34"), ("blk_-", "")),
        (("sshd[1]:", "sshd[22]:"), ("sshd[", "]:")),
        (("anna", "anton"), ("", "")),
        (("/10.1", "/10.2"), ("/", "")),
        (("alone",), ("", "")),
    ],
)
def test_what_words_share_ends_at_no_digit_and_within_no_word(
    values: tuple[str, ...], affixes: tuple[str, str]
) -> None:
    assert find_affixes(values) == affixes


@pytest.mark.parametrize("line", ["", " ", "a", "a b", "  a  b   c ", "a\tb", " leading"])
def test_words_joined_by_blanks_are_the_line(line: str) -> None:
    assert " ".join(split_words(line)) == line


def test_counts_take_the_bits_of_learning_them_step_by_step() -> None:
    coder, learnt = Coder(), Learnt()
    for symbol in "abracadabra":
        if learnt.code(coder, symbol) is None:
            learnt.add(symbol)
    assert code_counts([5, 2, 2, 1, 1]) == pytest.approx(coder.bits)
    assert code_best([1] * 1000) < 120 < code_counts([1] * 1000)  # nearly always new
    assert code_best([5, 2, 2, 1, 1]) <= code_counts([5, 2, 2, 1, 1]) + 2
    assert DISCOUNTS[0] == 0


def test_presence_takes_the_bits_of_learning_it_step_by_step() -> None:
    coder, seen = Coder(), 0
    for number, there in enumerate([0, 1, 1, 0, 0, 1, 0]):
        coder.choose({0: number - seen + 1, 1: seen + 1}, there)
        seen += there
    assert code_presence(3, 7) == pytest.approx(coder.bits)
    assert code_presence(0, 7) == 0


@pytest.mark.parametrize("word", ["", "12", "beef", "a_b.c", "möwe", "\udc80?"])
def test_words_take_the_bits_of_spelling_them(word: str) -> None:
    coder = Coder()
    code_word(coder, word)
    assert spell([word]) == pytest.approx(coder.bits)
    assert measure_word(word)[1] == pytest.approx(coder.bits - 2)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 1000])
def test_integers_take_the_bits_of_writing_them(n: int) -> None:
    coder = Coder()
    code_integer(coder, n)
    assert count_integer(n) == coder.bits


def test_a_column_that_mostly_stays_is_cheap() -> None:
    assert code_column(["Mon"] * 500 + ["Tue"] * 500) < 100 < code_column(["Mon", "Tue"] * 500)


def test_plain_bits_are_shared_among_words() -> None:
    lines = [["a", "b"], ["a"], ["c", "a", "b"]]
    coder, words, sizes = Coder(), Learnt(), Learnt()
    for line in lines:
        if sizes.code(coder, len(line)) is None:
            code_integer(coder, len(line))
            sizes.add(len(line))
        for word in line:
            if words.code(coder, word) is None:
                code_word(coder, word)
                words.add(word)
    assert sum(map(sum, count_plain(lines))) == pytest.approx(coder.bits)
