"""Learning: how the held-out rate of each fit fell, and what its program weighs."""

from dataclasses import dataclass
from typing import Any

from multum.reporting.charts import Spec, hover, layer, picked, quantity, series, sizes, trace
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number, read_positive

KINDS = (Kind("fit", frozenset({"task", "report", "law"}), told="folders that `multum fit` or `ladder` made"),)

# More fits are told apart by their size, as there are no more colours.
_MOST_SERIES = 8


@dataclass(frozen=True)
class Moment:
    """A score on held-out data. units: trained on so far."""

    step: float
    units: float
    time_s: float
    bits: float


@dataclass(frozen=True)
class Fit:
    """One run. unit: what is predicted, byte or label. bits: of the kept program, a held-out unit."""

    name: str
    unit: str
    parameters: float
    units: float
    flops: float
    time_s: float
    bits: float
    program_bytes: float | None
    held_out: float | None
    device: str
    curve: tuple[Moment, ...]


def show(material: Material) -> Section | None:
    """Return the learning curves of all fits, one figure for each unit, and their table."""
    fits = sorted((document.read(_read_fit) for document in material.take("fit")), key=lambda fit: fit.bits)
    if not fits:
        return None
    figures = []
    for unit in dict.fromkeys(fit.unit for fit in fits):
        mine = [fit for fit in fits if fit.unit == unit]
        figures += _draw_curves(mine, unit)
    best = fits[0]
    lead = f"{best.name} is the best of {len(fits)} fits" if len(fits) > 1 else f"The fit {best.name}"
    lead += f": {best.bits:.4f} bits a held-out {best.unit}, with {best.parameters:,.0f} parameters."
    return Section("learning", "Learning", lead, tuple(figures), (_tabulate(fits),))


def _read_fit(document: Document) -> Fit:
    """Return the run that a multum.json describes, of bytes or of labels."""
    fields, report = document.fields, document.fields["report"]
    run, law = report["run"], document.fields["law"]
    of_bytes = fields["task"] == "bytes"
    return Fit(
        name=document.name,
        unit="byte" if of_bytes else str(fields.get("unit", "label")),
        parameters=read_positive(law["parameters"]),
        units=read_number(run["units"]),
        flops=read_number(run["flops"]),
        time_s=read_number(run["time_s"]),
        bits=read_number(law["bpb"] if of_bytes else law["bits_per_label"]),
        program_bytes=read_number(report["program_bytes"]) if of_bytes else None,
        held_out=read_number(report["held_out_bytes"]) if of_bytes else None,
        device=f"{run['device']}, {run['precision']}",
        curve=tuple(map(_read_moment, run["history"])),
    )


def _read_moment(fields: dict[str, Any]) -> Moment:
    return Moment(*(read_number(fields[name]) for name in ("step", "units", "time_s", "bits_per_unit")))


def _draw_curves(fits: list[Fit], unit: str) -> list[Figure]:
    """Return the curves by what was read, and by time."""
    if not any(fit.curve for fit in fits):
        return []
    cells = tuple((fit.name, one.step, one.units, one.time_s, one.bits) for fit in fits for one in fit.curve)
    table = Table(("fit", "step", f"{unit}s read", "seconds", f"bits a held-out {unit}"), cells)
    told = f"Bits a held-out {unit} of {len(fits)} {'fit' if len(fits) == 1 else 'fits'}, falling as they go on."
    by_units = _chart(fits, unit, quantity("units", f"{unit}s read, repeats counted", log=True))
    by_time = _chart(fits, unit, quantity("time", "seconds of training"))
    return [
        Figure(f"learning-{unit}-units", f"Rate against {unit}s read", told, by_units, table),
        Figure(f"learning-{unit}-time", "Rate against time", told, by_time, table),
    ]


def _chart(fits: list[Fit], unit: str, x: Spec) -> Spec:
    """Return a line for each fit, in a colour of its own or in that of its size."""
    rows = [
        {"series": fit.name, "n": fit.parameters, "units": one.units, "time": one.time_s, "bits": one.bits}
        for fit in fits
        for one in fit.curve
    ]
    tips = hover(
        ("series", "fit", None),
        ("bits", f"bits a {unit}", ".4f"),
        ("units", f"{unit}s read", ",.0f"),
        ("time", "seconds", ",.1f"),
    )
    few = len(fits) <= _MOST_SERIES
    lines = trace(
        rows,
        tips,
        size=40,
        x=x,
        y=quantity("bits", f"bits a held-out {unit}", form=".2f"),
        color=series(order=[fit.name for fit in fits]) if few else sizes("n", "parameters", rows),
        detail={"field": "series", "type": "nominal"},
        opacity=picked() if few else None,
    )
    return layer(*lines, pickable=few)


def _tabulate(fits: list[Fit]) -> Table:
    head = (
        "fit",
        "parameters",
        "units read",
        "FLOPs",
        "seconds",
        "bits a unit",
        "program, bytes",
        "held out, bytes",
        "on",
    )
    rows = tuple(
        (
            fit.name,
            fit.parameters,
            fit.units,
            f"{fit.flops:.3g}",
            fit.time_s,
            round(fit.bits, 4),
            fit.program_bytes,
            fit.held_out,
            fit.device,
        )
        for fit in fits
    )
    return Table(
        head, rows, "The fits. Rates are estimated from probabilities; a program's bytes are its weights' file."
    )
