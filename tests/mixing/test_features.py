"""Features that keep a state are those of their textbook twins, on any data."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from multum.mixing import prediction, strands, tables
from multum.mixing.prediction import CHANNELS, ERROR, GUESS, SLOW_ERROR, gather, learn_field, predict_field, size_class
from multum.mixing.strands import advance_strands
from multum.mixing.tables import advance_tables
from multum.mixing.values import value_at
from tests.mixing import feature_twins as twins

genomes = st.lists(st.sampled_from(b"ACGT"), max_size=120).map(bytes)
rows = st.lists(st.sampled_from(["12,3.5,-7\n", "13,3.7,-7\n", ",,\n", "a b\n", "99999999,1\n", "7"]), max_size=12)


@given(genomes, st.sampled_from([4, 9, 12]))
@example(b"ACGTACGTACGTACGTACGTACGTACGTACGTACGT" * 8, 9)
@example(b"GATTACAGATTACACCGGTGTAATCTGTAATCACCGGATTACAGATTACA" * 6, 12)
@settings(max_examples=30)
def test_strands_are_counted_as_the_twin_counts(data: bytes, bits: int) -> None:
    twin = twins.Strands(bits)
    counts = np.zeros(strands.TABLES << bits, np.int32)
    cells, f = np.zeros(strands.CELLS, np.int64), np.zeros(strands.TABLES, np.int64)
    for c in data:
        advance_strands(c, (1 << strands.TABLES) - 1, bits, cells, counts, 0, f, 0)
        assert f.tolist() == twin.read(c)


def test_lines_of_a_genome_are_joined() -> None:
    counts = np.zeros(strands.TABLES << 8, np.int32)
    cells, f = np.zeros(strands.CELLS, np.int64), np.zeros(strands.TABLES, np.int64)
    seen = []
    for data in (b"ACGTTGCA" * 9, b"ACGTT\r\nGCA\n" * 9):
        counts[:], cells[:], f[:] = 0, 0, 0
        for c in data:
            advance_strands(c, 127, 8, cells, counts, 0, f, 0)
        seen.append(f.tolist())
    assert seen[0] == seen[1]


def test_a_strand_tells_of_the_other() -> None:
    """What followed ACCA...: after the reverse complement of a stretch has come, its start is expected."""
    stretch = bytes(np.random.default_rng(1).choice(np.frombuffer(b"ACGT", np.uint8), 40))
    other = stretch[::-1].translate(bytes.maketrans(b"ACGT", b"TGCA"))
    counts = np.zeros(strands.TABLES << 16, np.int32)
    cells, f = np.zeros(strands.CELLS, np.int64), np.zeros(strands.TABLES, np.int64)
    for c in stretch + other[:30]:
        advance_strands(c, 127, 16, cells, counts, 0, f, 0)
    expected = (other[30] >> 1) & 3
    assert [one >> 4 * expected & 15 for one in f.tolist()] == [1] * 7


@given(rows, st.sampled_from([44, 32]))
@example(["1,2,3\n", "1,2,4\n"] * 3, 44)
@example([f"{'x,' * 300}\n", "1,2\n", f"{'y,' * 140}\n"], 44)
@example(["9.5 .5 1.\n", "10.5 .7 2\n"] * 2, 32)
@settings(max_examples=30)
def test_tables_are_read_as_the_twin_reads(lines: list[str], separator: int) -> None:
    data = "".join(lines).encode()
    buf = np.frombuffer(data, np.uint8)
    cells, f = np.zeros(tables.CELLS, np.int64), np.zeros(256, np.int64)
    for pos, (features, texts) in enumerate(twins.read_table(data, separator), start=1):
        advance_tables(buf, pos, separator, cells, f, 0, 128)
        assert f[:7].tolist() == features
        assert {k: int(f[128 + k]) for k in texts} == texts


@given(
    st.binary(max_size=60),
    st.sampled_from(
        [(1, 1, 1, 0), (7, 1, 1, 0), (12, 2, 2, 1), (4, 4, 2, 0), (9, 3, 1, 0), (2, 1, 1, 0), (6, 4, 2, 1)]
    ),
)
@example(bytes(range(0, 250, 2)) * 2, (25, 1, 1, 0))
@example(np.arange(0, 60000, 700).astype("<u2").tobytes(), (20, 2, 2, 0))
@settings(max_examples=25)
def test_fields_are_predicted_as_the_twin_predicts(data: bytes, shape: tuple[int, int, int, int]) -> None:
    record, stride, width, big = shape
    buf = np.frombuffer(data + b"\0", np.uint8)
    cells = np.zeros(prediction.CELLS, np.int64)
    for k, (guess, error, slow) in enumerate(twins.predict_fields(data, record, stride, width, big), start=1):
        start = k * width
        learn_field(cells, value_at(buf, start - width, width, big))
        base = gather(buf, start, record, stride, width, big, cells)
        predict_field(cells, start % stride // width % CHANNELS, base, 256**width - 1)
        assert (cells[GUESS], cells[ERROR], cells[SLOW_ERROR]) == (guess, error, slow)


def test_a_wave_is_soon_predicted() -> None:
    wave = (2000 + 900 * np.sin(np.arange(1500) / 9) + 400 * np.sin(np.arange(1500) / 4)).astype("<u2")
    guesses = [guess / 16 for guess, _, _ in twins.predict_fields(wave.tobytes(), 2, 2, 2, 0)]
    misses = np.abs(np.array(guesses) - wave[1:])
    steps = np.abs(np.diff(wave.astype(int)))
    assert misses[-500:].mean() < steps[-500:].mean() / 4


@pytest.mark.parametrize(
    ("n", "size"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 5), (127, 13), (128, 14), (1 << 40, 15)]
)
def test_sizes_have_half_steps(n: int, size: int) -> None:
    assert size_class(n) == size
