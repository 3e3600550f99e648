"""Every file in this folder is refused with its message, and nothing is written."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import multum
from tests.hostile.forge import FOLDER, MANIFEST

CASES: dict[str, dict[str, str]] = json.loads(MANIFEST.read_text())
# What a reader of single blocks cannot see, because it only shows over the whole.
UNSEEN_BY_OPEN = {"digest.mtm", "recipe_empty.mtm", "recipe_twice.mtm"}


def test_every_hostile_file_is_in_the_manifest() -> None:
    assert {path.name for path in FOLDER.glob("*.mtm")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_hostile_file_is_refused_with_its_message(name: str, tmp_path: Path) -> None:
    verb, message = CASES[name]["verb"], CASES[name]["message"]
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(multum.MultumError, match=re.escape(message)):
        _call(verb, FOLDER / name, inner / "target")
    assert list(inner.iterdir()) == []
    assert list(tmp_path.iterdir()) == [inner]


def _call(verb: str, source: Path, target: Path) -> None:
    calls: dict[str, Any] = {
        "test": lambda: multum.test(source),
        "unpack": lambda: multum.unpack(source, target),
    }
    calls[verb]()


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name]["verb"] == "test"])
def test_hostile_file_is_refused_by_every_reader(name: str, tmp_path: Path) -> None:
    path = FOLDER / name
    assert refuses(lambda: multum.unpack_bytes(path.read_bytes()))
    assert refuses(lambda: multum.unpack(path, tmp_path / "target"))
    assert list(tmp_path.iterdir()) == []
    assert name in UNSEEN_BY_OPEN or refuses(lambda: _read_by_open(path))


def refuses(work: Callable[[], object]) -> bool:
    """Return whether `work` raises one of our errors; any other one fails the test."""
    try:
        work()
    except multum.MultumError:
        return True
    return False


def _read_by_open(path: Path) -> bytes:
    with multum.open(path) as file:
        return file.read()
