"""The sections of the page, in its order: each takes what was given and returns its part, or None for nothing to show.

A section of a new verb is one file here, with `KINDS`, by which its results are recognised, and `show`; and its name
in the list below.
"""

from multum.reporting.documents import Kind
from multum.reporting.sections import (
    budgets,
    choice,
    classes,
    comparison,
    doubts,
    evaluation,
    explanation,
    formulas,
    frontier,
    law,
    learning,
    ledger,
    nearness,
    origin,
    patterns,
    plans,
    precision,
    predictions,
    rates,
    runs,
    samples,
    surprise,
    theorems,
)

SECTIONS = (
    comparison,
    ledger,
    learning,
    rates,
    evaluation,
    explanation,
    runs,
    law,
    doubts,
    budgets,
    precision,
    predictions,
    plans,
    frontier,
    choice,
    formulas,
    theorems,
    patterns,
    classes,
    nearness,
    surprise,
    samples,
    origin,
)


def list_kinds() -> tuple[Kind, ...]:
    """Return everything that a section recognises."""
    return tuple(kind for section in SECTIONS for kind in section.KINDS)
