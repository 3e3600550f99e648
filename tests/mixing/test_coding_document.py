"""What docs/CODING.md states in its tables is what the code does."""

import hashlib
import re
from pathlib import Path

from multum.bits.logistic import SQUASH, STRETCH
from multum.mixing import Recipe, decode, features, mixer
from multum.mixing.histories import COUNTS, NEXT_STATE
from multum.mixing.primers import PRIMERS, read_primer
from multum.mixing.recipe import _SCALARS, FAMILIES, Context, Structure
from multum.mixing.structures import STRUCTURES

TEXT = (Path(__file__).parents[2] / "docs" / "CODING.md").read_text(encoding="utf-8")
MODES = {name[3:]: value for name, value in vars(mixer).items() if name.startswith("BY_")}


def read_chapter(title: str) -> str:
    """Return the text below the heading `title`, up to the next heading."""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def read_table(title: str) -> list[list[str]]:
    """Return the cells of the first table below the heading `title`, without its head."""
    lines = re.search(r"(?:^\|.*\n)+", read_chapter(title), re.MULTILINE)
    assert lines, title
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()[2:]]


def read_feature_names() -> dict[str, int]:
    """Return the number of each feature by the name that the document gives it."""
    numbers: dict[str, int] = {}
    for numbers_cell, names_cell, _ in read_table("Features"):
        ends, names = numbers_cell.split(" to "), names_cell.split(" to ")
        stem = names[0].rstrip("0123456789") if len(names) == 2 else ""
        for k, number in enumerate(range(int(ends[0]), int(ends[-1]) + 1)):
            numbers[f"{stem}{k + 1}" if stem else names[0]] = number
    return numbers


def parse_structure(cells: list[str]) -> Structure:
    """Return the structure that a row of the document's last table describes."""
    numbers = read_feature_names()

    def split(cell: str) -> list[str]:
        return [] if cell == "none" else cell.split(", ")

    def feature_list(text: str) -> tuple[int, ...]:
        return tuple(numbers[name] for name in text.split("+"))

    def context(text: str) -> Context:
        names, _, kept = text.partition("/")
        return Context(feature_list(names), "d" in kept, "r" in kept)

    def selector(text: str) -> tuple[int, int]:
        mode, _, feature = text.rstrip(")").partition("(")
        return MODES[mode], numbers[feature or "NONE"]

    number, contexts, selectors, finals, refiners, matches = cells
    return Structure(
        tuple(context(c) for c in split(contexts)),
        tuple(selector(c) for c in split(selectors)),
        tuple(selector(c) for c in split(finals)),
        tuple((numbers[a], numbers[b]) for a, b in (c.split("+") for c in split(refiners))),
        tuple(int(c) for c in split(matches)),
        guided="guided" in number,
    )


def test_features_have_the_numbers_that_the_document_gives() -> None:
    names = read_feature_names()
    assert sorted(names.values()) == sorted(features.KNOWN)
    assert names["ORDER32"] == features.ORDER + 32
    assert names["BYTE16"] == features.BYTE + 16
    assert names["STRANDS7"] == features.STRANDS + 7
    assert names["FIELD_TEXTS128"] == features.FIELD_TEXTS + 128
    others = {
        name: number for name, number in names.items() if not re.fullmatch(r"(ORDER|BYTE|STRANDS|FIELD_TEXTS)\d+", name)
    }
    assert others == {name: getattr(features, name) for name in others}


def test_scalars_have_the_order_and_sizes_and_bounds_that_the_document_gives() -> None:
    rows = read_table("Scalars")
    assert [(name, int(size)) for name, size, _, _ in rows] == list(_SCALARS)
    bounds = {name: (low, high) for name, _, low, high in Recipe(STRUCTURES[0], rate=0, stride=2)._bounds()}
    limits = {"rate to 2000": "0 to 2000", "1 to min(2, stride)": "1 to 2"}
    for name, _, allowed, _ in rows:
        expected = "{} to {}".format(*bounds[name]) if name in bounds else "any"
        assert limits.get(allowed, allowed) == expected, name
    assert all(f"{number} {family}" in rows[0][3] for number, family in enumerate(FAMILIES))


def test_modes_have_the_numbers_and_weight_sets_that_the_document_gives() -> None:
    rows = read_table("Weight sets")
    assert {name: int(number) for number, name, _, _ in rows} == MODES
    assert tuple(int(sets) for _, _, sets, _ in rows) == mixer.SETS


def test_primers_have_the_bytes_that_the_document_gives() -> None:
    rows = read_table("Primers")
    assert [(name, digest) for _, name, _, digest in rows] == list(PRIMERS)
    assert [(int(number), int(size)) for number, _, size, _ in rows] == [
        (number, len(read_primer(number))) for number in range(len(PRIMERS))
    ]


def test_constant_tables_have_the_digests_that_the_document_gives() -> None:
    tables = {
        "SQUASH": SQUASH.astype("<u2"),
        "STRETCH": STRETCH.astype("<i2"),
        "NEXT": NEXT_STATE,
        "COUNTS": COUNTS,
    }
    digests = {name: digest for name, _, digest in read_table("Constant tables")}
    assert digests == {name: hashlib.sha256(table.tobytes()).hexdigest() for name, table in tables.items()}


def test_structures_are_those_of_the_document() -> None:
    rows = read_table("Structures")
    assert [int(number.split()[0]) for number, *_ in rows] == list(range(1, len(STRUCTURES) + 1))
    for row, structure in zip(rows, STRUCTURES, strict=True):
        assert parse_structure(row) == structure, row[0]


def test_the_example_decodes_as_the_document_says() -> None:
    blocks = re.findall(r"(?:^    [0-9a-f]+\n)+", read_chapter("An example"), re.MULTILINE)
    recipe, data, code = (bytes.fromhex(block) for block in blocks)
    assert decode(code, len(data), Recipe.from_bytes(recipe)) == data
