"""One search: trials until the budget is spent, each a file; the frontier's files stay, and the chosen one is copied.

Invariant: every number of the report is of a file that was written and decoded.
"""

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import nn

from multum.archive.models import model_folder
from multum.archive.targets import whole_file
from multum.choosing.drawing import draw_frontier
from multum.choosing.options import AutoOptions
from multum.choosing.points import Tried, choose, find_frontier, list_made
from multum.choosing.reports import AutoReport
from multum.choosing.spaces import Space
from multum.choosing.studying import JOURNAL, Study
from multum.errors import LimitExceeded, MultumError, UsageError
from multum.shrinking.material import read_material
from multum.shrinking.models import Model, open_model
from multum.shrinking.options import CALIBRATION
from multum.shrinking.reports import Running, ShrinkReport
from multum.shrinking.shrinker import Progress, shrink
from multum.training.retraining.lessons import Batch, GivenLessons

RESULT = "frontier.json"
_CALIBRATED, _TIMED = "calibrated", "timed"


def run_auto(
    model: str | nn.Module, target: str, asked: AutoOptions, force: bool, progress: Progress | None
) -> AutoReport:
    """Return the report of a search over recipes for `model`; see `auto_shrink`."""
    folder = _open_folder(Path(asked.folder or f"{target}.search"), asked)
    if isinstance(model, nn.Module):
        report = _search(model, type(model).__name__, target, folder, asked, progress)
    else:
        with model_folder(model, asked.threads, asked.memory_limit) as source:
            report = _search(source, model, target, folder, asked, progress)
    _save(report, folder, target, force)
    return report


def _search(
    source: str | nn.Module, name: str, target: str, folder: Path, asked: AutoOptions, progress: Progress | None
) -> AutoReport:
    """Return the report of a search for the network in `source`, called `name`."""
    opened = open_model(source)
    _check_data(opened, asked)
    weights, size_bytes = opened.weights, opened.size_bytes
    del opened  # each trial opens its own
    space = Space.around(asked.target_bytes, weights)
    study = Study(folder, space, asked.seed, asked.target_latency is not None, _tell_facts(asked, weights, size_bytes))
    search = _Search(source, folder, asked, study, progress)
    search.run()
    return search.report(name, target, weights, size_bytes)


def _open_folder(folder: Path, asked: AutoOptions) -> Path:
    """Return where a search stays; one that compares times is another than one that does not.

    Raises UsageError for a folder with other things in it, which are nobody's to replace; OSError.
    """
    if asked.target_latency is not None:
        folder = folder / _TIMED
    others = folder.is_dir() and any(path.name != _TIMED for path in folder.iterdir())
    if others and not (folder / JOURNAL).is_file():
        raise UsageError(f"'{folder}' is not empty and holds no search; name another folder with --search (folder=)")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _check_data(model: Model, asked: AutoOptions) -> None:
    """Raise UsageError for data that no trial could be measured on, before they all fail."""
    found = read_material(model, asked.data, asked.evaluation, asked.calibration or CALIBRATION, asked.seed)
    if found.gauge is None:
        raise UsageError("a search compares losses: give labelled batches to measure on too (evaluation=)")


def _tell_facts(asked: AutoOptions, weights: int, size_bytes: int) -> dict[str, Any]:
    """Return what trials of one folder have in common."""
    given = {"data": asked.data, "evaluation": asked.evaluation}
    named = {name: _name_data(data) for name, data in given.items()}
    sizes = {f"bytes of {name}": os.path.getsize(path) for name, path in named.items() if path and os.path.isfile(path)}
    settings = {"calibration": asked.calibration, "seed": asked.seed}
    return {"weights": weights, "bytes of the model": size_bytes} | named | sizes | settings


def _name_data(data: str | Path | Sequence[Batch] | None) -> str | None:
    """Return where data are, or what batches hold."""
    if data is None or isinstance(data, str | Path):
        return None if data is None else os.path.abspath(data)
    return GivenLessons(data, 0).digest


@dataclass(eq=False)
class _Search:
    """A search on its way. source: the model's folder, or the model. folder: where the search stays."""

    source: str | nn.Module
    folder: Path
    asked: AutoOptions
    study: Study
    progress: Progress | None
    started_s: float = field(default_factory=time.monotonic)

    @property
    def points(self) -> list[Tried]:
        """All that was tried, each once."""
        tried = (Tried(**facts["point"]) for facts in self.study.list_tried())
        return list({(point.recipe, point.bits): point for point in tried}.values())

    @property
    def spent_s(self) -> float:
        """Seconds of this run."""
        return time.monotonic() - self.started_s

    def run(self) -> None:
        """Try until the budget is spent, once at least unless all trials were made before."""
        while not self._is_done():
            trial, recipe, bits = self.study.propose()
            if recipe is None:
                self.study.skip(trial)
                continue
            point, before = self._find(recipe, bits) or self._try(recipe, bits)
            values = None
            if point.size_bytes is not None:
                values = point.worth[: 3 if self.asked.target_latency is not None else 2]
            self.study.note(trial, {"point": point.as_dict(), "before": before}, values)
            self._clear()
        if not list_made(self.points):
            told = "; ".join(f"{point.recipe}: {point.why}" for point in self.points)
            raise UsageError(f"nothing that was tried became a file: {told}")

    def _is_done(self) -> bool:
        if self.asked.trials is not None:
            return len(self.study.list_tried()) >= self.asked.trials
        return self.spent_s >= self.asked.budget_s and bool(self.points)

    def _find(self, recipe: str, bits: float) -> tuple[Tried, dict[str, Any] | None] | None:
        """Return what came of the same recipe and size before."""
        for facts in self.study.list_tried():
            if (facts["point"]["recipe"], facts["point"]["bits"]) == (recipe, bits):
                return Tried(**facts["point"]), facts["before"]
        return None

    def _try(self, recipe: str, bits: float) -> tuple[Tried, dict[str, Any] | None]:
        """Return (what came of a recipe, what the model was before)."""
        started_s = time.monotonic()
        number = len(self.study.list_tried())
        point = Tried(recipe, bits, single=recipe.count("|") <= 1, number=number)
        path = self.name_file(point)
        try:
            made = shrink(
                self.source,
                path,
                force=True,
                progress=self._watch(f"{recipe}, {bits:.2f} bits a weight"),
                recipe=recipe,
                target_bits=bits,
                calibrated=self.folder / _CALIBRATED,
                **self.asked.shrinking,
            )
        except LimitExceeded:
            raise  # it would be the same for all others
        except MultumError as error:
            return replace(point, why=str(error), cost_s=time.monotonic() - started_s), None
        return _measure(point, made, time.monotonic() - started_s), _tell_before(made)

    def name_file(self, point: Tried) -> Path:
        """Return where the file of a point is."""
        return self.folder / f"{point.number}.mtm"

    def _watch(self, what: str) -> Progress | None:
        if self.progress is None:
            return None
        tell, tried = self.progress, self.study.list_tried()

        def show(doing: str, _: float) -> None:
            share = self.spent_s / self.asked.budget_s
            tell(f"{what}: {doing}", min(1.0, len(tried) / self.asked.trials if self.asked.trials else share))

        return show

    def _clear(self) -> None:
        """Remove the files that are not of the frontier."""
        points = self.points
        kept = {point.number for point in find_frontier(points)}
        for point in points:
            if point.number not in kept:
                self.name_file(point).unlink(missing_ok=True)

    def report(self, model: str, target: str, weights: int, size_bytes: int) -> AutoReport:
        """Return what was found. Raises UsageError where nothing reaches the goal."""
        before = next(facts["before"] for facts in self.study.list_tried() if facts["before"])
        points, goal = self.points, self.asked.goal
        chosen = choose(find_frontier(points), goal)
        if chosen is None:
            near = "; ".join(f"{p.size_bytes:,} bytes, {p.loss:.4f} {before['unit']}" for p in find_frontier(points))
            raise UsageError(
                f"nothing of {len(points)} trials reaches {goal}; the frontier is {near}: allow more, or search longer"
            )
        return AutoReport(
            source=model,
            target=target,
            goal=goal,
            weights=weights,
            bytes_before=size_bytes,
            points=tuple(points),
            chosen=chosen,
            folder=str(self.folder),
            seed=self.asked.seed,
            cost_s=self.spent_s,
            **before,
        )


def _measure(point: Tried, made: ShrinkReport, cost_s: float) -> Tried:
    """Return `point` with what its file is worth; the time of a run is that of the faster of dense and 8-bit layers."""
    assert made.loss_after is not None, "a search has data"
    runs = [one.seconds for one in (made.running_after, made.running_int8) if one is not None]
    return replace(
        point,
        size_bytes=made.bytes_after,
        loss=made.loss_after.value,
        accuracy=made.loss_after.accuracy,
        seconds=min(runs, default=None),
        cost_s=cost_s,
    )


def _tell_before(made: ShrinkReport) -> dict[str, Any]:
    """Return what all trials have in common: the model as it came."""
    assert made.loss_before is not None, "a search has data"
    running: Running | None = made.running_before
    return {
        "unit": made.loss_before.unit,
        "loss_before": made.loss_before.value,
        "accuracy_before": made.loss_before.accuracy,
        "seconds_before": None if running is None else running.seconds,
    }


def _save(report: AutoReport, folder: Path, target: str, force: bool) -> None:
    """Write the chosen file to `target`, and the frontier into the folder, as JSON and as a figure."""
    with whole_file(target, force, None) as file, (folder / f"{report.chosen.number}.mtm").open("rb") as chosen:
        shutil.copyfileobj(chosen, file)
    told = report.as_dict()
    with whole_file(str(folder / RESULT), True, None) as file:
        file.write(json.dumps(told, indent=1).encode() + b"\n")
    draw_frontier(told, folder)
