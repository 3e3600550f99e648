"""Whether a generator copies what it learnt from: how much of a generated item its nearest training item foretells.

For each item the nearest training item is looked for, and the item is measured alone and after it. What is left is a
share: near 0 for a copy, near 1 for what owes nothing to any one training item. Fresh items, which the generator never
saw, tell how near new data of the same kind come by themselves; generated ones should come no nearer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from multum.data.contents import read_content
from multum.data.labelled import read_labelled
from multum.errors import MissingExtra, UsageError
from multum.judging.resampling import Floats, Places
from multum.similarity.memory import Memory
from multum.similarity.recipes import lean_recipe
from multum.similarity.texts import read_texts

Progress = Callable[[int, int], None]

# Training items whose bits are counted, of those that share most pieces of so many bytes with an item.
_NEAR, _PIECE = 8, (3, 5)
# An item is as good as copied where it is nearer to training than all but this share of fresh ones.
_COPIED = 0.01
_SHOWN = 10
_IMAGES = (".npz", "-ubyte", "-ubyte.gz")
_TABLES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz")


@dataclass(frozen=True)
class Copy:
    """A generated item and its nearest training item. share: bits after that one, of those alone."""

    name: str
    nearest: str
    bits_alone: float
    bits_after: float
    share: float


@dataclass(frozen=True)
class Memorised:
    """How near generated items come to training ones, beside fresh ones.

    shares: medians of what the nearest training item leaves. threshold: the share that 1 % of fresh items are below;
    copied: generated items below it. chance: that generated ones come no nearer than fresh ones (Mann and Whitney,
    one-sided). nearest: those with the least share.
    """

    generated: int
    fresh: int
    training: int
    generated_share: float
    fresh_share: float
    threshold: float
    copied: int
    chance: float
    nearest: tuple[Copy, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return vars(self) | {"nearest": [vars(one) for one in self.nearest]}

    def __str__(self) -> str:
        lines = [
            f"memorised: the nearest of {self.training:,} training items leaves {self.generated_share:.3f} of the bits"
            f" of a generated item and {self.fresh_share:.3f} of a fresh one (medians), p = {self.chance:.3g}",
            f"  {self.copied:,} of {self.generated:,} generated are nearer than 99 % of {self.fresh:,} fresh ones are",
        ]
        near = [one for one in self.nearest if one.share < self.threshold]
        return "\n".join([*lines, *(f"  {one.share:.3f}  {one.name} <- {one.nearest}" for one in near)])


@dataclass(frozen=True)
class Items:
    """Things to compare, as bytes, and what they are called."""

    items: list[bytes]
    names: list[str]


def read_items(path: str) -> Items:
    """Return the items at `path`: images, rows of a table, files of a folder, or lines that are not empty.

    Raises UsageError for none, FormatError, OSError.
    """
    if path.endswith(_IMAGES):
        images = read_labelled(path).inputs
        assert isinstance(images, np.ndarray), "such files hold nothing else"
        return Items([one.tobytes() for one in images], [f"image {number}" for number in range(1, len(images) + 1)])
    if Path(path).is_dir() or path.endswith(_TABLES):
        texts = read_texts(path)
        return Items(texts.items, texts.names)
    lines = [(number, line.strip()) for number, line in enumerate(read_content(Path(path)).split(b"\n"), 1)]
    found = [(f"line {number}", line) for number, line in lines if line]
    if not found:
        raise UsageError(f"'{path}' is empty; an item a line was expected")
    return Items([line for _, line in found], [name for name, _ in found])


def measure_memory(generated: str, training: str, fresh: Sequence[str], progress: Progress | None = None) -> Memorised:
    """Return how near the items at `generated` come to those at `training`, beside those at `fresh`.

    progress: called with (training items done, those there are). Raises UsageError, FormatError, MissingExtra, OSError.
    """
    made, known, several = read_items(generated), read_items(training), [read_items(path) for path in fresh]
    new = Items([item for one in several for item in one.items], [name for one in several for name in one.names])
    near = find_near(known.items, made.items + new.items)
    places, alone, after = find_nearest(known.items, made.items + new.items, near, progress)
    shares, count = after / alone, len(made.items)
    ours, theirs = shares[:count], shares[count:]
    threshold = float(np.quantile(theirs, _COPIED))
    first: dict[bytes, int] = {}
    for row in np.argsort(ours, kind="stable").tolist():
        first.setdefault(made.items[row], row)  # what a generator repeats is told of once
    copies = (
        Copy(made.names[row], known.names[places[row]], float(alone[row]), float(after[row]), float(ours[row]))
        for row in list(first.values())[:_SHOWN]
    )
    return Memorised(
        generated=count,
        fresh=len(new.items),
        training=len(known.items),
        generated_share=float(np.median(ours)),
        fresh_share=float(np.median(theirs)),
        threshold=threshold,
        copied=int((ours < threshold).sum()),
        chance=_test_nearer(ours, theirs),
        nearest=tuple(copies),
    )


def _test_nearer(ours: Floats, theirs: Floats) -> float:
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(ours, theirs, alternative="less").pvalue)


def find_near(known: Sequence[bytes], asked: Sequence[bytes]) -> Places:
    """Return int64[asked, near]: the known items that share most of each one's pieces, rare ones counting most.

    Counting bits after every known item would take as long as both numbers multiplied. Raises MissingExtra.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError as error:
        raise MissingExtra("looking for copies needs scikit-learn; pip install 'multum[discover]'") from error
    pieces = TfidfVectorizer(analyzer="char", ngram_range=_PIECE, lowercase=False, sublinear_tf=True)
    table = pieces.fit_transform([one.decode("latin-1") for one in known])
    count = min(_NEAR, len(known))
    found = []
    for item in asked:
        likeness = (table @ pieces.transform([item.decode("latin-1")]).T).toarray().ravel()
        found.append(np.argsort(-likeness, kind="stable")[:count])
    return np.array(found, np.int64)


def find_nearest(
    known: Sequence[bytes], asked: Sequence[bytes], near: Places, progress: Progress | None = None
) -> tuple[Places, Floats, Floats]:
    """Return (place of the nearest known item, bits alone, bits after it), [asked] each.

    near: int64[asked, candidates]. The nearest is that after which an item takes fewest bits.
    """
    recipe = lean_recipe(2 * max(map(len, [*known, *asked])))
    nothing = Memory(recipe)
    alone = np.array([nothing.count_bits(item) for item in asked])
    after = np.full(near.shape, np.inf)
    places = np.unique(near).tolist()
    for number, place in enumerate(places, 1):
        memory = Memory(recipe, known[place])
        for row, column in np.argwhere(near == place).tolist():
            after[row, column] = memory.count_bits(asked[row])
        if progress is not None:
            progress(number, len(places))
    best = after.argmin(axis=1)
    rows = np.arange(len(asked))
    return near[rows, best], alone, after[rows, best]
