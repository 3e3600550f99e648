"""The end of a ladder: the law of its points, and what it makes of ten times the compute."""

from collections.abc import Sequence

from multum.errors import UsageError
from multum.ladders.folders import Folder
from multum.ladders.reports import LadderReport, Point
from multum.ladders.rungs import Rung
from multum.laws.fitting import fit_law
from multum.laws.law import Law
from multum.laws.planning import Plan, plan
from multum.laws.points import Points, read_points

# What is planned: so many times the compute of the largest run.
FURTHER = 10.0


def conclude(
    folder: Folder, rungs: Sequence[Rung], failed: tuple[tuple[str, str], ...], training_bytes: int, time_s: float
) -> LadderReport:
    """Return the report of a ladder whose runs are made, with its law, which is written to the folder."""
    order = {rung.name: number for number, rung in enumerate(rungs)}
    optional = {"unique_bytes": None, "post_training_bits": None}
    points = sorted((Point(**(optional | one)) for one in folder.read_points()), key=lambda point: order[point.run])
    notes: list[str] = []
    law = _fit(folder, points, notes)
    planned = None if law is None else _plan(law, points, training_bytes, notes)
    runs = {point.run: point for point in points}
    flops = sum(point.flops for point in runs.values())
    return LadderReport(str(folder.path), tuple(points), failed, flops, time_s, law, planned, tuple(notes))


def _fit(folder: Folder, points: Sequence[Point], notes: list[str]) -> Law | None:
    """Return the law of the points; None, and why in the notes, where there is none."""
    if not points:
        return None
    try:
        # Compute is left out: a law in it alone would say nothing of how to spend it.
        law = _fit_form(read_points([folder.points], only=("N", "D", "U", "Q")))
    except UsageError as error:
        notes.append(f"no law: {error}")
        return None
    law.write(folder.law, force=True)
    return law


def _fit_form(points: Points) -> Law:
    """Return the law of the form that has an optimum inside and all that the ladder varies; else the one that fits.

    Which fits best is not asked first: the points of one program at several precisions are no independent evidence.
    """
    form = "precision" if "Q" in points.columns else "data-constrained" if "U" in points.columns else "chinchilla"
    try:
        return fit_law(points, form)
    except UsageError:
        return fit_law(points)


def _plan(law: Law, points: Sequence[Point], training_bytes: int, notes: list[str]) -> Plan | None:
    """Return the plan for more compute; None, and why in the notes, where the law does not tell."""
    compute = FURTHER * max(point.flops for point in points)
    try:
        return plan(law, compute=compute, data=training_bytes if "U" in law.columns else None)
    except UsageError as error:
        notes.append(f"no plan for {compute:.3g} FLOPs: {error}")
        return None
