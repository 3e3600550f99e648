"""However a result is damaged, it is refused in words or shown; nothing else comes of it."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from multum.errors import MultumError
from multum.reporting.content import Material
from multum.reporting.documents import read_documents
from multum.reporting.reporter import make_sections
from multum.reporting.sections import list_kinds
from tests.reporting.judgements import make_evaluation, make_explanation, make_rating
from tests.reporting.results import (
    make_demo,
    make_description,
    make_find,
    make_formula,
    make_plan,
    make_prediction,
    make_rate,
    make_shrink,
)

MAKERS = [
    make_evaluation,
    make_rating,
    make_explanation,
    make_find,
    make_shrink,
    make_demo,
    make_rate,
    make_description,
    make_formula,
    make_plan,
    make_prediction,
]
ODD = some.one_of(
    some.none(),
    some.booleans(),
    some.integers(-2, 2),
    some.sampled_from([-1e300, 1e-300, 1e300, float("nan"), float("inf"), 10**400]),
    some.text(max_size=3),
    some.just("\ud800"),  # half a character, which JSON can hold and UTF-8 cannot
    some.just([]),
    some.just({}),
    some.just([[]]),
    some.just([{"name": "x"}]),
)


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to every part of a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for key, one in inside for found in list_places(one, (*place, key)))]


def put(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    """Return `value` with something else at a place."""
    if not place:
        return odd
    changed = value.copy()
    changed[place[0]] = put(value[place[0]], place[1:], odd)
    return changed


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
@settings(max_examples=50)
@given(data=some.data())
def test_a_damaged_result_is_refused_or_shown(make: Any, data: some.DataObject) -> None:
    value = make()
    place = data.draw(some.sampled_from(list_places(value)[1:]))
    damaged = put(value, place, data.draw(ODD))
    with contextlib.suppress(MultumError):
        show(damaged)


def show(value: dict[str, Any]) -> None:
    """Make the sections of a result, and see that their charts can stand on a page. Raises MultumError."""
    sections = make_sections(Material(tuple(read_documents([value], list_kinds()))))
    for figure in (figure for section in sections for figure in section.figures):
        json.dumps(figure.described, allow_nan=False, ensure_ascii=False).encode()
