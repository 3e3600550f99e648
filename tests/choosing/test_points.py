"""Frontiers and choices of points, without any network."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from multum.choosing.options import AutoOptions
from multum.choosing.points import Goal, Tried, choose, find_frontier
from multum.choosing.spaces import Space, join_passes, list_choices
from multum.choosing.studying import Study
from multum.errors import UsageError
from multum.shrinking.recipes import KINDS, read_recipe


def make_point(size_bytes: int, loss: float, seconds: float | None = 1.0, accuracy: float | None = None) -> Tried:
    return Tried(f"code {size_bytes}", 4.0, size_bytes=size_bytes, loss=loss, seconds=seconds, accuracy=accuracy)


def test_a_frontier_has_the_points_that_no_other_beats() -> None:
    small, close, quick = make_point(10, 3.0), make_point(30, 1.0), make_point(40, 2.0, 0.5)
    beaten, equal, failed = make_point(31, 1.5), make_point(30, 1.0), Tried("x", 1.0, why="no")
    assert find_frontier([close, beaten, small, failed, equal, quick]) == [small, close, quick]
    assert find_frontier([failed]) == []


def test_what_is_right_more_often_stays_on_a_frontier() -> None:
    sure, right = make_point(10, 1.0, accuracy=0.8), make_point(11, 1.1, accuracy=0.9)
    assert find_frontier([sure, right, make_point(12, 1.2, accuracy=0.85)]) == [sure, right]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (Goal(bytes=35), 30),
        (Goal(bytes=20), 10),
        (Goal(loss=3.5), 10),
        (Goal(accuracy=0.85), 30),
        (Goal(latency=0.6), 40),
        (Goal(bytes=35, latency=0.6), None),
    ],
)
def test_the_choice_reaches_every_part_of_the_goal(goal: Goal, expected: int | None) -> None:
    points = [make_point(10, 3.0, 1.0, 0.7), make_point(30, 1.0, 1.0, 0.9), make_point(40, 2.0, 0.5, 0.8)]
    found = choose(points, goal)
    assert (None if found is None else found.size_bytes) == expected


def test_a_goal_is_told_in_words() -> None:
    assert str(Goal(9000, 1.5, 0.9, 0.02)) == (
        "9,000 bytes at most, a loss of 1.5 at most, an accuracy of 0.9 at least, 20 ms a run at most"
    )


def test_every_pass_of_the_grammar_is_tried_alone_first() -> None:
    singles = list(Space.around(1000, 1000).list_singles())
    assert singles[0] == ("code", 8.0)
    assert {bits for _, bits in singles} == {8.0}
    assert {recipe.partition("=")[0] for recipe, _ in singles[1:]} == set(KINDS)
    assert all(read_recipe(recipe).codes for recipe, _ in singles)
    assert Space.around(None, 1000).asked is None


def test_what_goes_well_together_is_tried_where_its_passes_are() -> None:
    found = [recipe for recipe, _ in Space.around(1000, 1000).list_combinations()]
    assert found[-1] == "distil=0.5 | gradual=0.9 | qat=3 | code"
    assert all(read_recipe(recipe).codes for recipe in found)


def test_another_goal_begins_with_what_is_at_its_own_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts: dict[str, Any] = {"recipe": "code"}
    for size_bytes, bits in ((500, 4.0), (250, 2.0)):
        study = Study(tmp_path, Space.around(size_bytes, 1000), 0, False, facts)
        trial, recipe, asked = study.propose()
        assert (recipe, asked) == ("code", bits)
        study.note(trial, {"point": {}}, (1.0, 1.0))
    assert study.propose()[1] == "structure=neurons:0.25 | code"
    assert len(study.list_tried()) == 2
    monkeypatch.setitem(KINDS, "qat", replace(KINDS["qat"], tries=("5",)))
    with pytest.raises(UsageError, match="the search of another version of Multum"):
        Study(tmp_path, Space.around(250, 1000), 0, False, facts)


def test_passes_are_joined_in_an_order_that_they_allow() -> None:
    nothing = dict.fromkeys(list_choices(), "")
    assert join_passes(nothing) == "code"
    assert join_passes(nothing | {"quantize": "rtn:8", "distil": "0.5"}) == "distil=0.5 | quantize=rtn:8 | code"
    assert join_passes(nothing | {"quantize": "rtn:8", "qat": "4"}) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target_bytes": 9}, "a search compares losses: give data"),
        ({"data": "x"}, "a search has a target"),
        ({"data": "x", "target_loss": -1.0}, "a target of -1 loss is not allowed"),
        ({"data": "x", "target_bytes": 9, "budget_s": 0.0}, "a budget of 0 seconds"),
        ({"data": "x", "target_bytes": 9, "trials": 0}, "0 trials find nothing"),
    ],
)
def test_what_no_search_can_be_is_told(options: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        AutoOptions(**options)  # type: ignore[arg-type]
