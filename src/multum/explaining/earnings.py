"""What each part of a mixing network earns: how many bits more the data take without it.

Every part alone is left out and the data are measured again, all else as it was. Parts that know the same share what
they earn and each shows little of it, so that the bits of parts do not add up to those of all.
Invariant: what is found depends on the data and the recipe alone, never on threads.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from multum.archive.coding import choose_recipe
from multum.archive.limits import count_threads, fit_threads
from multum.errors import UsageError
from multum.evaluation.contents import read_data
from multum.evaluation.online import LevelProgram, RecipeProgram
from multum.explaining.names import name_features, name_selector
from multum.explaining.reports import Earnings, Part
from multum.finding.moves import restructured
from multum.formats.transforms import apply_transforms, undoable
from multum.mixing import Recipe, measure

# Of each of the data so many bytes are measured, unless it is said otherwise.
SAMPLE_BYTES = 1 << 17
Progress = Callable[[str, float], None]
Item = TypeVar("Item")


def weigh_parts(
    program: LevelProgram | RecipeProgram,
    data: Sequence[str],
    sample_bytes: int = SAMPLE_BYTES,
    threads: int = 0,
    memory_limit: int | None = None,
    progress: Progress | None = None,
) -> tuple[Earnings, ...]:
    """Return what each part of the network for each of `data` earns on its first `sample_bytes`, the most first.

    Raises UsageError for data that have no network, LimitExceeded, FormatError, OSError.
    """
    if sample_bytes < 1:
        raise UsageError(f"{sample_bytes} bytes are no sample; give 1 or more")
    threads = count_threads(threads)
    found = []
    for number, name in enumerate(data):
        raw = read_data(name)[:sample_bytes]
        transforms, recipe = _choose(program, name, raw)
        lanes = fit_threads(threads, recipe.memory_bytes(), memory_limit, "explaining")
        plain = apply_transforms(transforms, raw)
        told = None if progress is None else _share(progress, name, number, len(data))
        bits, parts = _leave_out(plain, recipe, lanes, told)
        found.append(Earnings(name, recipe.name, len(raw), bits, parts))
    return tuple(found)


def _share(progress: Progress, name: str, number: int, count: int) -> Callable[[float], None]:
    return lambda share: progress(f"measuring {name}", (number + share) / count)


def _choose(program: LevelProgram | RecipeProgram, name: str, raw: bytes) -> tuple[bytes, Recipe]:
    """Return (transforms, recipe) of the network that `program` has for `raw`. Raises UsageError for none."""
    if not raw:
        raise UsageError(f"'{name}' is empty; nothing earns bits on it")
    if isinstance(program, RecipeProgram):
        return undoable(program.transforms, raw), program.recipe.scaled(len(raw))
    chosen = choose_recipe(raw, program.level)
    if chosen is None:
        raise UsageError(f"'{name}' looks random, and is stored as it is: no context earns bits on it")
    return chosen


def _leave_out(
    data: bytes, recipe: Recipe, threads: int, progress: Callable[[float], None] | None
) -> tuple[float, tuple[Part, ...]]:
    """Return (bits with all parts, the parts by what they earn)."""
    cases = list(_list_parts(recipe))
    done = 0

    def count(changed: Recipe) -> float:
        nonlocal done
        bits = float(measure(data, changed).sum())
        done += 1  # a torn count would only be shown, never used
        if progress is not None:
            progress(done / (len(cases) + 1))
        return bits

    with ThreadPoolExecutor(threads) as pool:  # kernels let other threads run
        whole, *others = pool.map(count, [recipe, *(changed for _, _, changed in cases)])
    parts = [Part(name, kind, bits - whole) for (name, kind, _), bits in zip(cases, others, strict=True)]
    return whole, tuple(sorted(parts, key=lambda part: -part.earned))


def _list_parts(recipe: Recipe) -> Iterator[tuple[str, str, Recipe]]:
    """Yield (name, kind, the recipe without it) of each part that a network can do without."""
    s = recipe.structure
    for context, contexts in _leave_each(s.contexts if len(s.contexts) > 1 else ()):
        yield name_features(context.features), "context", restructured(recipe, contexts=contexts)
    for length, matches in _leave_each(s.matches):
        yield f"repeats of {length} bytes and more", "match", restructured(recipe, matches=matches)
    for pair, refiners in _leave_each(s.refiners):
        named = tuple(feature for feature in pair if feature)
        yield name_features(named), "adjustment", restructured(recipe, refiners=refiners)
    for selector, selectors in _leave_each(s.selectors if len(s.selectors) > 1 else ()):
        # a single set of weights has no second layer over it
        finals = s.finals if len(selectors) > 1 else ()
        yield name_selector(*selector), "weights by", restructured(recipe, selectors=selectors, finals=finals)
    if recipe.primers:
        yield "texts read beforehand", "primer", replace(recipe, primers=())


def _leave_each(items: tuple[Item, ...]) -> Iterator[tuple[Item, tuple[Item, ...]]]:
    """Yield (an item, the others), each in turn."""
    for place, item in enumerate(items):
        yield item, items[:place] + items[place + 1 :]
