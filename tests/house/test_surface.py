"""What the package shows: the public list, docstrings, the version, and the commands the READMEs name."""

import ast
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

import multum
from multum.cli.app import VERBS
from tests.house.floors import SOURCE, list_modules

ROOT = SOURCE.parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


def test_all_lists_what_is_visible() -> None:
    rooms = {path.stem for path in SOURCE.iterdir()}
    visible = {name for name in dir(multum) if not name.startswith("_") and name not in rooms}
    assert visible == {name for name in multum.__all__ if not name.startswith("_")}


def test_all_is_sorted_and_every_name_resolves() -> None:
    assert len(multum.__all__) == len(set(multum.__all__))
    assert [name for name in multum.__all__ if not hasattr(multum, name)] == []


def test_unknown_attribute_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match="no_such_verb"):
        _ = getattr(multum, "no_such_verb")  # noqa: B009 - spelled out, mypy would object first


@pytest.mark.parametrize("path", list_modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_everything_public_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), f"{path} does not say why it exists"
    assert [name for name, node in _list_public(tree) if not ast.get_docstring(node)] == []


def _list_public(
    tree: ast.Module | ast.ClassDef, prefix: str = ""
) -> list[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    found: list[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            found.append((prefix + node.name, node))
            if isinstance(node, ast.ClassDef):
                found += _list_public(node, f"{node.name}.")
    return found


def test_versions_agree() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    top = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert top, "CHANGELOG.md has no version heading"
    assert top[1] == declared == importlib.metadata.version("multum") == multum.__version__


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_readme_names_only_commands_that_exist(readme: Path) -> None:
    text = readme.read_text("utf-8")
    verbs = set(re.findall(r"^\s*\$? ?multum ([a-z]+)", text, re.MULTILINE)) | set(
        re.findall(r"`multum ([a-z]+)", text)
    )
    targets = set(re.findall(r"\bmake ([a-z][a-z-]*)\b(?= |`|$)", _take_code(text), re.MULTILINE))
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert verbs, "the README shows no command"
    assert {"demo", "test"} <= targets <= known
    assert verbs <= set(VERBS)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.name)
def test_readme_links_lead_somewhere(readme: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", readme.read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def _take_code(markdown: str) -> str:
    """Return only what is set as code, so that prose such as "make sure" is no command."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", markdown, re.DOTALL))


def test_contributing_stays_under_sixty_lines() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) < 60
