"""The floors of the house and a reader of who imports whom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import multum

SOURCE = Path(multum.__file__).parent

# A room imports only from floors below its own.
FLOORS = {
    "errors": 0,
    "bits": 1,
    "formats": 2,
    "mixing": 2,
    "neural": 2,
    "archive": 3,
    "data": 4,
    "evaluation": 5,
    "training": 6,
    "shrinking": 6,
    "laws": 6,
    "discovery": 6,
    "finding": 7,
    "report": 7,
    "__init__": 7,  # the public list; it names what lies below it
    "cli": 8,
    "__main__": 9,
}


def list_modules() -> list[Path]:
    """Return every source file of the package, sorted."""
    return sorted(SOURCE.rglob("*.py"))


def name_room(path: Path) -> str:
    """Return the room a source file lies in: the folder, or the module where it stands alone."""
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def list_imported_rooms(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, room) for each import of another part of multum, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for name in _list_names(node):
            head, _, rest = name.partition(".")
            if head == "multum":
                yield getattr(node, "lineno", 0), rest.partition(".")[0] or "__init__"


def _list_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module == "multum":
        # `from multum import X` reaches the room X, or a name that the facade exports.
        return [f"multum.{alias.name}" if alias.name in FLOORS else "multum" for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module]
    return []
