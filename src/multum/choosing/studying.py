"""The study of a search: what Optuna proposes next, given all that was tried; kept in a file after each trial.

Invariant: what is proposed depends on the seed, the space and what was tried before, not on when a search was stopped.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from multum.choosing.spaces import Space, join_passes, list_choices
from multum.errors import MissingExtra, UsageError

JOURNAL = "study.log"
_NAME, _BITS, _FACTS, _SKIPPED, _CHOICES = "recipes", "bits", "facts", "skipped", "choices"
# Trials by chance before any are learned from, those asked for among them.
_BY_CHANCE = 8


def import_optuna() -> Any:
    """Return Optuna, silent. Raises MissingExtra."""
    try:
        import optuna
    except ImportError as missing:
        raise MissingExtra(f"a search needs {missing.name}; pip install 'multum[auto]'") from missing
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Study:
    """What was tried in a folder, and what to try next. facts: what a search that goes on must agree with.

    latency: whether the time of a run counts, beside bytes and loss. Raises UsageError for a folder of another search.
    """

    def __init__(self, folder: Path, space: Space, seed: int, latency: bool, facts: dict[str, Any]) -> None:
        self._optuna = import_optuna()
        self._space, self._seed = space, seed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # parts that Optuna calls experimental
            journal = self._optuna.storages.journal.JournalFileBackend(str(folder / JOURNAL))
            self._study = self._optuna.create_study(
                storage=self._optuna.storages.JournalStorage(journal),
                study_name=_NAME,
                directions=["minimize"] * (3 if latency else 2),
                load_if_exists=True,
            )
        self._begin(folder, facts)

    def _begin(self, folder: Path, facts: dict[str, Any]) -> None:
        """Note what the search is for, or compare it; ask once more for what was stopped."""
        facts = facts | {_CHOICES: [[name, *words] for name, words in list_choices().items()]}
        known = self._study.user_attrs.get(_FACTS, facts)
        if known.get(_CHOICES) != facts[_CHOICES]:
            raise UsageError(
                f"'{folder}' holds the search of another version of Multum, which tries other passes; name another"
                " folder with --search (folder=)"
            )
        if known != facts:
            changed = next(name for name in {**known, **facts} if known.get(name) != facts.get(name))
            raise UsageError(
                f"'{folder}' holds another search, with {changed} {known.get(changed)} instead of {facts.get(changed)};"
                " name another folder with --search (folder=)"
            )
        self._study.set_user_attr(_FACTS, facts)
        states = self._optuna.trial.TrialState
        for trial in self._study.get_trials(states=(states.RUNNING,)):
            self._study.tell(trial.number, state=states.FAIL)
            if self._space.least <= trial.params.get(_BITS, 0.0) <= self._space.most:  # else it was for another goal
                self._study.enqueue_trial(trial.params)

    def _ask_for_next(self) -> None:
        """Ask for the first of the space's beginnings that no trial was of, one at a time: goals may change between."""
        trials = self._study.get_trials(deepcopy=False)
        if any(trial.state == self._optuna.trial.TrialState.WAITING for trial in trials):
            return
        tried = [trial.params for trial in trials]
        for recipe, bits in (*self._space.list_singles(), *self._space.list_combinations()):
            asked = self._describe(recipe, bits)
            if asked not in tried:
                self._study.enqueue_trial(asked)
                return

    def _describe(self, recipe: str, bits: float) -> dict[str, Any]:
        """Return a recipe as the parameters of a trial."""
        words = dict(part.split("=", 1) for part in recipe.split(" | ") if "=" in part)
        return {name: words.get(name, "") for name in list_choices()} | {_BITS: bits}

    def propose(self) -> tuple[Any, str | None, float]:
        """Return (a trial, its recipe or None for passes that cannot follow each other, its bits a weight)."""
        self._ask_for_next()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study.sampler = self._optuna.samplers.TPESampler(
                seed=self._seed + self._count_done(), n_startup_trials=_BY_CHANCE, multivariate=True
            )
            trial = self._study.ask()
            chosen = {name: trial.suggest_categorical(name, words) for name, words in list_choices().items()}
            bits = trial.suggest_float(_BITS, self._space.least, self._space.most, log=True)
        return trial, join_passes(chosen), bits

    def note(self, trial: Any, facts: dict[str, Any], values: Sequence[float] | None) -> None:
        """Keep what came of a trial. values: by which trials are compared, None for one that came to nothing."""
        trial.set_user_attr(_FACTS, facts)
        states = self._optuna.trial.TrialState
        if values is None:
            self._study.tell(trial, state=states.FAIL)
        else:
            self._study.tell(trial, list(values))

    def skip(self, trial: Any) -> None:
        """Note that a trial was of passes that cannot follow each other: chance goes on behind it."""
        trial.set_user_attr(_SKIPPED, True)
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)

    def _count_done(self) -> int:
        """Return how many trials came to their end, those that were stopped left out."""
        return sum(bool(trial.user_attrs) for trial in self._study.trials)

    def list_tried(self) -> list[dict[str, Any]]:
        """Return the facts of all trials, in their order."""
        return [trial.user_attrs[_FACTS] for trial in self._study.trials if _FACTS in trial.user_attrs]
