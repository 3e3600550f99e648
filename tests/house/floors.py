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
    "inference": 2,
    "mixing": 3,
    "neural": 3,
    "tensors": 3,
    "quantization": 4,
    "archive": 5,
    "reduction": 5,
    "data": 6,
    "evaluation": 7,
    "training": 8,
    "laws": 8,
    "discovery": 8,
    "similarity": 8,
    "mining": 8,
    "ladders": 9,
    "shrinking": 9,
    "exporting": 10,
    "finding": 10,
    "reporting": 10,
    "judging": 11,
    "choosing": 11,
    "explaining": 12,
    "__init__": 13,  # the public list; it names what lies below it
    "cli": 14,
    "__main__": 15,
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
