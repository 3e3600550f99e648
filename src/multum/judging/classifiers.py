"""Judging what tells labels: on each of the data and on all, in folds, against another, and on damaged inputs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from multum.data.labelled import Labelled, read_labelled
from multum.data.splits import fold
from multum.errors import UsageError
from multum.judging.contests import Contest, contest_labels
from multum.judging.damage import IMAGE_DAMAGE, TEXT_DAMAGE, damage_all, list_strengths
from multum.judging.options import Options
from multum.judging.predictions import Predictions, appraise, join
from multum.judging.reports import ALL, Damaged, Judged, LabelVerdict
from multum.judging.resampling import find_interval, find_share_interval, resample
from multum.judging.tellers import BY_LENGTH, Inputs, LengthTeller, Teller, ask, names_lengths, open_teller


def judge_classifier(program: str, data: Sequence[str], options: Options) -> Judged:
    """Return what the classifier `program` is worth on each of `data`. Raises UsageError, FormatError, MissingExtra."""
    if options.folds is not None:
        return _judge_folds(program, data, options)
    teller = open_teller(program, options.train, options.columns, **_how(options))
    sets = [teller.read(path, options.columns) for path in data]
    told = [_ask(teller, examples, options, program) for examples in sets]
    verdicts = tuple(_judge(path, one, examples, options) for path, one, examples in zip(data, told, sets, strict=True))
    whole = join(told)
    return Judged(
        size_bits=teller.size_bits,
        verdicts=verdicts,
        pooled=_judge(ALL, whole, None, options) if len(sets) > 1 else None,
        against=_contest(whole, data, options),
        robust=tuple(_damage(teller, sets, whole, options)) if options.robust else (),
    )


def _how(options: Options) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("device", "batch", "threads", "memory_limit")}


def _ask(teller: Teller, examples: Labelled, options: Options, what: str, inputs: Inputs | None = None) -> Predictions:
    """Return what `teller` says, telling how far it is."""
    return ask(teller, examples, inputs, _count(f"asking {what}", len(examples), options))


def _count(what: str, total: int, options: Options) -> Callable[[int], None]:
    done = 0

    def add(count: int) -> None:
        nonlocal done
        done += count
        options.tell(what, done / total)

    return add


def _judge(name: str, told: Predictions, examples: Labelled | None, options: Options) -> LabelVerdict:
    return LabelVerdict(name, appraise(told, options.seed), "" if examples is None else examples.columns)


def _judge_folds(program: str, data: Sequence[str], options: Options) -> Judged:
    """Return verdicts on each fold, told by what has read the others. Raises UsageError for trained programs."""
    if not names_lengths(program):
        raise UsageError(
            f"'{program}' is fitted already, and folds are fitted anew: give {BY_LENGTH}, or use"
            " multum fit --task labels --folds"
        )
    if len(data) != 1:
        raise UsageError(f"folds are parts of one table; got {len(data)}")
    examples = read_labelled(data[0], *options.columns)
    parts = _tell_folds(program, examples, options)
    verdicts = tuple(
        _judge(f"fold {number} of {options.folds}", one, examples, options) for number, one in enumerate(parts, 1)
    )
    rival = None
    if options.against is not None and names_lengths(options.against):
        rival = join(_tell_folds(options.against, examples, options))
    elif options.against is not None:
        other = open_teller(options.against, None, options.columns, **_how(options))
        rival = join([ask(other, part.with_classes(other.classes)) for part in _take_folds(examples, options)])
    whole = join(parts)
    return Judged(
        size_bits=8 * sum(len(text.encode()) for text in examples.inputs),
        verdicts=verdicts,
        pooled=_judge(ALL, whole, None, options),
        against=None if rival is None else contest_labels(str(options.against), whole, rival, options.seed),
    )


def _take_folds(examples: Labelled, options: Options) -> list[Labelled]:
    """Return the examples of each fold."""
    places = fold(examples, options.folds or 0, options.seed)
    return [examples.take(np.flatnonzero(places == number)) for number in range(options.folds or 0)]


def _tell_folds(program: str, examples: Labelled, options: Options) -> list[Predictions]:
    """Return what is told of each fold by what has read the others."""
    places, parts = fold(examples, options.folds or 0, options.seed), []
    for number, held in enumerate(_take_folds(examples, options)):
        options.tell(f"{program}, fold {number + 1}", number / (options.folds or 1))
        known = examples.take(np.flatnonzero(places != number))
        parts.append(ask(LengthTeller(program, known, options.threads, options.memory_limit), held))
    return parts


def _contest(ours: Predictions, data: Sequence[str], options: Options) -> Contest | None:
    """Return the contest with the program asked for, if one was."""
    if options.against is None:
        return None
    other = open_teller(options.against, options.train, options.columns, **_how(options))
    theirs = [_ask(other, other.read(path, options.columns), options, options.against) for path in data]
    return contest_labels(options.against, ours, join(theirs), options.seed)


def _damage(teller: Teller, sets: Sequence[Labelled], clean: Predictions, options: Options) -> list[Damaged]:
    """Return what damage of each kind and strength does to all the data."""
    kinds = IMAGE_DAMAGE if sets[0].is_image else TEXT_DAMAGE
    rows = []
    for damage, share in list_strengths(kinds):
        what = f"{damage.name} {share:g}"
        told = join(
            [_ask(teller, one, options, what, damage_all(damage, one.inputs, share, options.seed)) for one in sets]
        )
        rows.append(_compare(damage.name, share, damage.told, told, clean, options.seed))
    return rows


def _compare(name: str, share: float, what: str, told: Predictions, clean: Predictions, seed: int) -> Damaged:
    """Return how much worse predictions are, with intervals over the same draws of examples."""
    rise, right = told.bits - clean.bits, told.right
    count = len(rise)
    found = resample(lambda places: [rise[places].mean()], count, count, seed)
    return Damaged(
        damage=name,
        share=share,
        told=what,
        bits=float(told.bits.mean()),
        rise=float(rise.mean()),
        rise_interval=find_interval(found[:, 0]),
        accuracy=float(right.mean()),
        accuracy_interval=find_share_interval(int(right.sum()), count),
    )
