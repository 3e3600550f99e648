"""Judging programs of data: their rate with an interval, against another, and on damaged data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.bits.lengths import CodeLength
from multum.errors import UsageError
from multum.evaluation.contents import read_data
from multum.evaluation.programs import Program, open_program
from multum.judging.contests import Contest, contest_bytes
from multum.judging.damage import BYTE_DAMAGE, list_strengths
from multum.judging.options import Options
from multum.judging.reports import ALL, ByteVerdict, Damaged, Judged
from multum.judging.resampling import Floats, Interval, find_interval, resample_means

# 2 ** bits above this is no float.
_MOST_BITS = 1023.0


def judge_rates(program: str, data: Sequence[str], options: Options) -> Judged:
    """Return the rates of `program` on each of `data`. Raises UsageError, FormatError, LimitExceeded, MissingExtra."""
    opened = open_program(program, options.device, batch=options.batch)
    raws = [_read(path) for path in data]
    lengths = [_measure(opened, raw, options, program) for raw in raws]
    verdicts = tuple(_judge(path, one, options.seed) for path, one in zip(data, lengths, strict=True))
    whole = join_lengths(lengths)
    return Judged(
        size_bits=opened.size_bits,
        verdicts=verdicts,
        pooled=_judge(ALL, whole, options.seed) if len(raws) > 1 else None,
        against=_contest(whole, raws, options),
        robust=tuple(_damage(opened, raws, whole, options)) if options.robust else (),
    )


def _read(path: str) -> bytes:
    raw = read_data(path)
    if not raw:
        raise UsageError(f"'{path}' is empty; a rate needs a byte at least")
    return raw


def _measure(opened: Program, raw: bytes, options: Options, what: str) -> CodeLength:
    """Return the length of a code with what each byte took, telling how far it is."""
    return opened.measure_code(
        raw, per_byte=True, progress=lambda done, total: options.tell(f"reading with {what}", done / (total or 1))
    )


def join_lengths(lengths: Sequence[CodeLength]) -> CodeLength:
    """Return the length of all codes one after another."""
    return CodeLength(
        sum(one.bits for one in lengths),
        sum(one.tokens for one in lengths),
        np.concatenate([list_bits(one) for one in lengths]),
    )


def list_bits(length: CodeLength) -> NDArray[Any]:
    """Return float32[n]: what each byte took."""
    assert length.byte_bits is not None, "they were asked for"
    return length.byte_bits


def _judge(name: str, length: CodeLength, seed: int) -> ByteVerdict:
    """Return the rate, and intervals by blocks."""
    bits = list_bits(length)
    # what bytes took adds up to the code but for a few bits, which belong to the rate and not to its spread
    found = resample_means(bits, seed) * (length.bits / max(float(bits.sum(dtype=np.float64)), 1e-9))
    each = len(bits) / length.tokens
    rate = find_interval(found)
    return ByteVerdict(
        data=name,
        raw_bytes=len(bits),
        code_bits=length.bits,
        bpb=length.bits / len(bits),
        tokens=length.tokens,
        perplexity=_raise_two(length.bits / length.tokens),
        measured=length.measured,
        intervals={
            "bpb": rate,
            "perplexity": Interval(_raise_two(rate.low * each), _raise_two(rate.high * each)),
        },
    )


def _raise_two(bits: float) -> float:
    return float(2.0 ** min(bits, _MOST_BITS))


def _contest(whole: CodeLength, raws: Sequence[bytes], options: Options) -> Contest | None:
    """Return the contest with the program asked for, if one was."""
    if options.against is None:
        return None
    other = open_program(options.against, options.device, batch=options.batch)
    theirs = join_lengths([_measure(other, raw, options, options.against) for raw in raws])
    return contest_bytes(options.against, list_bits(whole), list_bits(theirs), options.seed)


def _damage(opened: Program, raws: Sequence[bytes], clean: CodeLength, options: Options) -> list[Damaged]:
    """Return what damage of each kind and strength does to all the data.

    The same draws meet clean and damaged data of one length, so that what both have in common drops out.
    """
    before = resample_means(list_bits(clean), options.seed)
    rows = []
    for damage, share in list_strengths(BYTE_DAMAGE):
        generator = np.random.default_rng(options.seed)
        changed = [damage.apply(raw, share, generator) for raw in raws]
        what = f"{damage.name} {share:g}"
        bits: Floats = np.concatenate([list_bits(_measure(opened, raw, options, what)) for raw in changed])
        mean = float(bits.mean(dtype=np.float64))
        rows.append(
            Damaged(
                damage=damage.name,
                share=share,
                told=damage.told,
                bits=mean,
                rise=mean - float(list_bits(clean).mean(dtype=np.float64)),
                rise_interval=find_interval(resample_means(bits, options.seed) - before),
            )
        )
    return rows
