"""The search itself: rounds of small changes to the best recipe so far, on samples that grow.

Invariant: with the same data, seed and number of trials the same recipes are tried in the same order, whatever the
threads; a search that is taken up again goes on as if it had not been stopped.
"""

import hashlib
import random
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from statistics import median

from multum.archive.recipes import KeptRecipe
from multum.finding.moves import KINDS, Move, draw_move
from multum.finding.samples import Sample, draw_sample, estimate_bits, program_bits
from multum.finding.vocabulary import Vocabulary

# Trials a round; enough to keep a workstation busy, few enough that a good change is soon built upon.
ROUND = 8
ELITES = 6
# A change must save this share to be kept: less is noise of the sample.
_LEAST_GAIN = 1e-4


@dataclass(frozen=True)
class Trial:
    """A recipe and what it came to. total_bits: program and code, estimated for the whole data."""

    name: str
    kept: KeptRecipe
    total_bits: float

    @property
    def program_bits(self) -> int:
        """Bits of the recipe."""
        return program_bits(self.kept)


@dataclass
class SearchState:
    """Where a search is; all that going on needs.

    step: rounds done. trials: recipes tried. sample_bytes, row_bytes: of the present samples. elites: the best
    on these, the best first. successes, attempts: of each kind of move. pending: a change that several single
    ones suggest. seen: names of recipes tried on these samples.
    """

    step: int = 0
    trials: int = 0
    sample_bytes: int = 0
    row_bytes: int = 1
    elites: list[Trial] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    successes: dict[str, float] = field(default_factory=dict)
    pending: KeptRecipe | None = None
    seen: set[str] = field(default_factory=set)

    @property
    def best(self) -> Trial:
        """The best recipe so far."""
        return self.elites[0]


class Search:
    """A search over recipes for `data`; call `start` once, then `advance` as long as there is time."""

    def __init__(
        self, data: bytes, vocabulary: Vocabulary, pool: Executor, seed: int = 0, state: SearchState | None = None
    ) -> None:
        """pool: where trials run. state: to go on from."""
        self._data, self._vocabulary, self._pool, self._seed = data, vocabulary, pool, seed
        self.state = state or SearchState()
        self._sample: Sample | None = None
        self.pace_s = self.fastest_s = 1e-5  # seconds a byte: the median of the last trials, and the least

    @property
    def sample(self) -> Sample:
        """The present sample."""
        if self._sample is None:
            self._sample = draw_sample(self._data, self.state.sample_bytes, self.state.row_bytes)
        return self._sample

    def start(self, named: Iterable[tuple[str, KeptRecipe]], sample_bytes: int) -> list[Trial]:
        """Try the recipes to start from on samples of `sample_bytes`; return the trials, the best first."""
        named = list(named)
        self._resample(sample_bytes, named[0][1])
        trials = self._try(named)
        self._keep(trials)
        return sorted(trials, key=_total)

    def grow(self, sample_bytes: int) -> None:
        """Take larger samples from now on, and judge the elites anew."""
        self._resample(sample_bytes, self.state.best.kept)
        self.state.seen.clear()
        elites = [(trial.name, trial.kept) for trial in self.state.elites]
        self.state.elites = []
        self._keep(self._try(elites))

    def _resample(self, sample_bytes: int, kept: KeptRecipe) -> None:
        """Take samples of `sample_bytes`, in whole rows of a recipe, from now on."""
        self.state.sample_bytes, self.state.row_bytes = sample_bytes, kept.recipe.record_bytes
        self._sample = None

    def judge(self) -> None:
        """Try the best recipe once, to learn how fast this machine is."""
        self._try([(self.state.best.name, self.state.best.kept)])
        self.state.trials -= 1

    def advance(self) -> None:
        """Try one round of changes to the best recipe, and keep what helps."""
        rng = random.Random(f"{self._seed}/{self.state.step}")
        best = self.state.best
        candidates: list[tuple[Move | None, KeptRecipe]] = []
        if self.state.pending is not None:
            candidates.append((None, self.state.pending))
        candidates += self._draw(rng, ROUND - len(candidates))
        trials = self._try([("found", kept) for _, kept in candidates])
        self.state.step += 1
        self._learn(best, [(move, trial) for (move, _), trial in zip(candidates, trials, strict=True)])
        self._keep(trials)

    def _draw(self, rng: random.Random, count: int) -> list[tuple[Move | None, KeptRecipe]]:
        """Return up to `count` moves and what they make of the best recipe, or now and then of the next best."""
        drawn: list[tuple[Move | None, KeptRecipe]] = []
        for _ in range(50 * count):
            if len(drawn) == count:
                break
            parent = self.state.best if rng.random() < 0.85 else rng.choice(self.state.elites)
            move = draw_move(rng, parent.kept, self._vocabulary, self._draw_kind(rng))
            kept = move.apply(parent.kept)
            if kept is not None and (name := _digest(kept)) not in self.state.seen:
                self.state.seen.add(name)
                drawn.append((move, kept))
        return drawn

    def _draw_kind(self, rng: random.Random) -> str:
        """Return a kind of move, the likelier the more often it helped."""
        attempts, successes = self.state.attempts, self.state.successes
        weights = [(successes.get(kind, 0) + 1) / (attempts.get(kind, 0) + 4) for kind in KINDS]
        return rng.choices(list(KINDS), weights)[0]

    def _learn(self, best: Trial, tried: Sequence[tuple[Move | None, Trial]]) -> None:
        """Note which kinds of moves helped, and join those that did into the next round's first candidate."""
        helpful: list[tuple[Move, Trial]] = []
        for move, trial in tried:
            if move is None:
                continue
            self.state.attempts[move.kind] = self.state.attempts.get(move.kind, 0) + 1
            if trial.total_bits < best.total_bits * (1 - _LEAST_GAIN):
                self.state.successes[move.kind] = self.state.successes.get(move.kind, 0) + 1
                helpful.append((move, trial))
        helpful.sort(key=lambda pair: _total(pair[1]))
        self.state.pending = _joined(helpful)

    def _keep(self, trials: Iterable[Trial]) -> None:
        """Put what is good among the elites."""
        pool = {trial.kept: trial for trial in [*self.state.elites, *trials]}
        self.state.elites = sorted(pool.values(), key=_total)[:ELITES]

    def _try(self, named: Sequence[tuple[str, KeptRecipe]]) -> list[Trial]:
        """Return what each recipe comes to on the present sample; in order."""
        sample = self.sample
        for _, kept in named:
            sample.after(kept.transforms)  # here, once, rather than on every thread
        done = list(self._pool.map(lambda pair: _timed(pair[1], sample), named))
        self.state.trials += len(named)
        if done:
            times = [time_s / max(len(sample.data), 1) for _, time_s in done]
            self.pace_s, self.fastest_s = median(times), min(times)
        return [Trial(name, kept, bits) for (name, kept), (bits, _) in zip(named, done, strict=True)]


def _timed(kept: KeptRecipe, sample: Sample) -> tuple[float, float]:
    """Return (total bits, seconds that the trial took)."""
    start_s = time.monotonic()
    bits = program_bits(kept) + estimate_bits(kept, sample)
    return bits, time.monotonic() - start_s


def _digest(kept: KeptRecipe) -> str:
    """Return a name that no other recipe has."""
    return hashlib.sha256(kept.transforms + b"|" + kept.recipe.to_bytes()).hexdigest()[:16]


def _total(trial: Trial) -> float:
    return trial.total_bits


def _joined(helpful: Sequence[tuple[Move, Trial]]) -> KeptRecipe | None:
    """Return the recipe with all changes that helped, or None when there are not two."""
    if len(helpful) < 2:
        return None
    kept = helpful[0][1].kept
    for move, _ in helpful[1:]:
        kept = move.apply(kept) or kept
    return None if kept == helpful[0][1].kept else kept
