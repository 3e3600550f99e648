"""Trees of clusters: as text that other tools read, as a picture, as groups.

A tree is a linkage as SciPy has it: float64[n - 1, 4], a row a joining (one, other, height, how many), where numbers
under n are items and n + k is what row k joined.
"""

import re
from importlib.util import find_spec
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from multum.errors import MissingExtra

Floats = NDArray[np.float64]

METHODS = ("average", "complete", "single", "weighted")
_PLAIN = re.compile(r"[^\s()\[\]{}/\\,;:='\"]+")
# Of a picture, in inches: its width, and the height of an item.
_WIDTH, _HEIGHT = 8.0, 0.28


def check_tools() -> None:
    """Raise MissingExtra unless what joins and draws is installed: before the work, not after it."""
    missing = [name for name in ("scipy", "matplotlib") if find_spec(name) is None]
    if missing:
        raise MissingExtra(f"clusters need {' and '.join(missing)}; pip install 'multum[discover]'")


def join_nearest(distances: Floats, method: str) -> Floats:
    """Return the tree of distances float64[n, n]; method: one of METHODS."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    tree: Floats = linkage(squareform(distances, checks=False), method, optimal_ordering=True)
    return tree


def write_newick(tree: Floats, names: list[str]) -> str:
    """Return the tree in Newick's format; a branch is as long as what it joins is apart, half on each side."""
    parts = [_quote(name) for name in names]
    heights = [0.0] * len(names)
    for one, other, apart, _ in tree.tolist():
        height = apart / 2
        sides = [f"{parts[int(side)]}:{height - heights[int(side)]:.6f}" for side in (one, other)]
        parts.append(f"({','.join(sides)})")
        heights.append(height)
    return parts[-1] + ";"


def _quote(name: str) -> str:
    """Return a name as Newick wants it: what has signs of its grammar, in quotes that are doubled inside."""
    return name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'"


def cut_tree(tree: Floats, count: int) -> list[int]:
    """Return the group of each item, from 1, in `count` groups: the last count - 1 joinings undone.

    Groups are numbered in the order of their first items.
    """
    items = len(tree) + 1
    members = [[item] for item in range(items)]
    gone: set[int] = set()
    for one, other, _, _ in tree[: items - count].tolist():
        gone |= {int(one), int(other)}
        members.append(members[int(one)] + members[int(other)])
    groups = sorted(sorted(inside) for number, inside in enumerate(members) if number not in gone)
    number_of = {item: number for number, inside in enumerate(groups, 1) for item in inside}
    return [number_of[item] for item in range(items)]


def draw_tree(tree: Floats, names: list[str], target: BinaryIO) -> None:
    """Write the tree to `target` as PNG."""
    from matplotlib.figure import Figure
    from scipy.cluster.hierarchy import dendrogram

    figure = Figure(figsize=(_WIDTH, 1 + _HEIGHT * len(names)), layout="constrained")
    axes = figure.subplots()
    # a dollar sign would begin a formula
    labels = [name.replace("$", r"\$") for name in names]
    dendrogram(tree, labels=labels, orientation="left", ax=axes, color_threshold=0, above_threshold_color="black")
    axes.set_xlabel("distance")
    axes.spines[["top", "left", "right"]].set_visible(False)
    figure.savefig(target, format="png", dpi=150)
