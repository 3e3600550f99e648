"""Rooms import only from floors below them."""

from pathlib import Path

import pytest

from tests.house.floors import FLOORS, SOURCE, list_imported_rooms, list_modules, name_room


def test_every_room_has_a_floor() -> None:
    rooms = {name_room(path) for path in list_modules()}
    assert rooms <= set(FLOORS), f"give these rooms a floor: {sorted(rooms - set(FLOORS))}"


@pytest.mark.parametrize("path", list_modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_module_imports_only_from_lower_floors(path: Path) -> None:
    room = name_room(path)
    too_high = [
        f"line {line} imports multum.{other} (floor {FLOORS[other]})"
        for line, other in list_imported_rooms(path)
        if other != room and FLOORS[other] >= FLOORS[room]
    ]
    assert not too_high, f"multum.{room} is on floor {FLOORS[room]}; {'; '.join(too_high)}"


def test_no_room_is_empty() -> None:
    rooms = [folder for folder in SOURCE.iterdir() if folder.is_dir() and folder.name != "__pycache__"]
    empty = [room.name for room in rooms if not any(len(path.read_text("utf-8")) > 200 for path in room.glob("*.py"))]
    assert not empty, f"rooms without anything in them: {empty}"


@pytest.mark.parametrize("name", ["utils.py", "helpers.py", "common.py", "constants.py", "misc.py"])
def test_no_module_is_named_after_nothing(name: str) -> None:
    assert not list(SOURCE.rglob(name))
