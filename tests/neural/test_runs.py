"""Any bytes are cut into text that comes back exactly and bytes that go another way."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from multum.neural.runs import BYTES, SPACED, TEXT, Run, split_runs
from multum.neural.vocabulary import Vocabulary
from tests.small_programs import text_program

TEXT_BYTES = "It was the best of times, naïve and 中文.\n".encode() * 4
NOISE = bytes(range(128, 192)) * 2


def vocabulary(forgets: bool = False) -> Vocabulary:
    found = text_program(forgets).vocabulary
    assert found is not None
    return found


def put_together(runs: list[Run], words: Vocabulary) -> bytes:
    """Return the bytes of all runs, those of text from their tokens."""
    parts = [run.raw if run.tokens is None else words.decode(run.tokens.tolist()) for run in runs]
    return b"".join(part[run.kind == SPACED :] for part, run in zip(parts, runs, strict=True))


@given(st.lists(st.binary(max_size=90) | st.text(max_size=90).map(str.encode), max_size=5).map(b"".join), st.booleans())
@example(b"", False)
@example(TEXT_BYTES + NOISE + TEXT_BYTES, True)
def test_runs_put_together_are_the_data(data: bytes, forgets: bool) -> None:
    runs = split_runs(data, vocabulary(forgets))
    assert put_together(runs, vocabulary()) == b"".join(run.raw for run in runs) == data
    assert all(run.raw for run in runs)
    assert not any(a.kind == b.kind == BYTES for a, b in itertools.pairwise(runs))


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (TEXT_BYTES, [TEXT]),
        (NOISE, [BYTES]),
        (TEXT_BYTES + NOISE + TEXT_BYTES, [TEXT, BYTES, TEXT]),
        (NOISE + b"short text" + NOISE, [BYTES]),
        (TEXT_BYTES + b"\xff\xfe" + TEXT_BYTES, [TEXT]),
        (TEXT_BYTES + bytes(40) + TEXT_BYTES, [TEXT, BYTES, TEXT]),
    ],
)
def test_short_parts_go_with_what_they_lie_between(data: bytes, kinds: list[int]) -> None:
    assert [run.kind for run in split_runs(data, vocabulary())] == kinds


def test_only_the_part_that_the_tokenizer_forgets_goes_by_bytes() -> None:
    plain = b"the end of the line\n" * 60
    runs = split_runs(plain + b"CAPITAL LETTERS\n" * 3 + plain, vocabulary(forgets=True))
    assert [run.kind for run in runs if run.kind == BYTES] == [BYTES]
    assert sum(len(run.raw) for run in runs if run.kind == BYTES) < 700


def test_text_whose_tokens_say_a_space_before_it_is_told_apart() -> None:
    class Spacing:
        def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
            return {"input_ids": [32, *text.encode()]}

    pieces = [bytes([byte]) for byte in range(256)]
    words = Vocabulary("spacing", pieces, tokenizer=Spacing())
    (run,) = split_runs(b"much in little", words)
    assert (run.kind, words.decode(run.tokens.tolist() if run.tokens is not None else [])) == (
        SPACED,
        b" much in little",
    )
