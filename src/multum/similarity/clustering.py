"""Clusters of data by code length: the distances of all pairs, and the tree that joins the nearest first.

Source: Cilibrasi, Vitányi, "Clustering by compression" (2005), with a network that remembers for gzip and bzip2.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from multum.archive.limits import count_threads
from multum.archive.targets import check_free, whole_file
from multum.errors import UsageError
from multum.evaluation.contents import read_data
from multum.similarity.distances import LEVEL, compare, measure_all
from multum.similarity.texts import read_texts
from multum.similarity.trees import METHODS, check_tools, cut_tree, draw_tree, join_nearest, write_newick

Progress = Callable[[int, int | None], None]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class ClusterReport:
    """What `cluster` found. distances: float64[n, n]. tree: a linkage, see `multum.similarity.trees`.

    groups: of each item, from 1; None where no number of groups was asked for.
    """

    names: list[str]
    distances: NDArray[np.float64]
    tree: NDArray[np.float64]
    groups: list[int] | None
    time_s: float

    @property
    def newick(self) -> str:
        """The tree in Newick's format."""
        return write_newick(self.tree, self.names)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        arrays = {"distances": self.distances.tolist(), "tree": self.tree.tolist()}
        return vars(self) | arrays | {"newick": self.newick}


def cluster(
    items: PathLike | Sequence[PathLike],
    output: PathLike | None = None,
    *,
    png: PathLike | None = None,
    groups: int | None = None,
    method: str = "average",
    level: int = LEVEL,
    threads: int = 0,
    memory_limit: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ClusterReport:
    """Return the tree of `items`, those joined first that have most in common.

    items: files; or one folder, table or .txt file whose texts are the items, see `classify`. output: a file for the
    tree in Newick's format. png: one for its picture. groups: how many to cut the tree into. method: average,
    complete, single or weighted, what two clusters are apart. level: 1 to 9, of the networks. threads: 0 for all
    cores; never changes what is found. memory_limit: bytes, which may mean fewer threads; None for three quarters of
    the machine's. progress: called with (bytes done, bytes in all). Cost: each item is read as many times as there
    are items.
    Raises UsageError, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    threads = count_threads(threads)
    check_tools()
    targets = [os.fspath(target) for target in (output, png) if target is not None]
    for target in targets:
        check_free(target, force)
    if method not in METHODS:
        raise UsageError(f"method '{method}' is unknown; methods are {', '.join(METHODS)}")
    names, raws = _read(items)
    if len(raws) < 2 or (groups is not None and not 1 <= groups <= len(raws)):
        wanted = "" if groups is None else f" for {groups} groups"
        raise UsageError(f"there are {len(raws)} items{wanted}; give two at least, and no more groups than items")
    started_s = time.perf_counter()
    distances = compare(*measure_all(raws, level, threads, progress, memory_limit))
    np.fill_diagonal(distances, 0)
    tree = join_nearest(distances, method)
    cut = None if groups is None else cut_tree(tree, groups)
    report = ClusterReport(names, distances, tree, cut, time.perf_counter() - started_s)
    if output is not None:
        with whole_file(os.fspath(output), force, None) as file:
            file.write(report.newick.encode() + b"\n")
    if png is not None:
        with whole_file(os.fspath(png), force, None) as file:
            draw_tree(tree, names, file)
    return report


def _read(items: PathLike | Sequence[PathLike]) -> tuple[list[str], list[bytes]]:
    """Return names and bytes of several files, or of the texts in a single one. Raises UsageError."""
    if not isinstance(items, str | os.PathLike) and len(items) != 1:
        paths = [os.fspath(item) for item in items]
        bases = [Path(path).name for path in paths]
        return (bases if len(set(bases)) == len(bases) else paths), [read_data(path) for path in paths]
    texts = read_texts(os.fspath(items if isinstance(items, str | os.PathLike) else items[0]))
    if texts.labels is None:
        return texts.names, texts.items
    labels = [texts.classes[label] for label in texts.labels.tolist()]
    return [f"{name} {label}" for name, label in zip(texts.names, labels, strict=True)], texts.items
