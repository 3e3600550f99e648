"""What a trained network holds inside of each item it reads: hidden states, pooled to one row an item.

Invariant: the row of an item does not depend on the other items or on the batch, but for float32 rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multum.archive.models import model_folder
from multum.errors import UsageError

if TYPE_CHECKING:
    import torch

    from multum.neural.sources import Source

Floats = NDArray[np.float32]
# How the states of an item become one.
POOLS = ("mean", "last", "max")
# Tokens that are read at once, and those of one step.
_WINDOW, _STEP_TOKENS = 1024, 1 << 14


@dataclass(frozen=True)
class _Insides:
    """A network without its head, and how it reads. pieces: the tokens of items, in pieces that it can read at once.

    masked: whether it wants to know which tokens are padding; one that looks back only need not.
    """

    network: Any
    device: "torch.device"
    masked: bool
    padding: int
    pieces: Callable[[Sequence[bytes]], list[list[NDArray[np.int64]]]]


def pool_states(
    program: str,
    items: Sequence[bytes],
    pools: Sequence[str] = ("mean",),
    *,
    layer: int = -1,
    device: str = "auto",
    progress: Callable[[int, int | None], None] | None = None,
) -> tuple[Floats, list[str]]:
    """Return (float32[n, pools * width], a name a column): the hidden states of each item.

    program: a directory, archive or hub model over bytes or tokens, or a classifier of texts. pools: of POOLS. layer:
    0 is what goes in, -1 the last. Long items are read in pieces, what is short of a token is zeros.
    progress: called with (tokens done, tokens in all). Raises UsageError, FormatError, MissingExtra, OSError.
    """
    unknown = [pool for pool in pools if pool not in POOLS]
    if unknown or not pools:
        raise UsageError(f"{', '.join(unknown) or 'nothing'} is no way to pool; ways are {', '.join(POOLS)}")
    from multum.neural.loading import import_learn
    from multum.neural.sources import find_source

    import_learn()
    with model_folder(program) as folder:
        insides = _open(find_source(folder), device)
    cut = [
        (item, number, ids) for item, all_ids in enumerate(insides.pieces(items)) for number, ids in enumerate(all_ids)
    ]
    # taken from the end: long ones first, and of one item the first ones
    pieces = [(item, ids) for item, _, ids in sorted(cut, key=lambda one: (len(one[2]), -one[1])) if len(ids)]
    gathered: dict[str, Floats] = {}
    counts = np.zeros((len(items), 1), np.float32)
    done, total = 0, sum(len(piece) for _, piece in pieces)
    while pieces:
        longest = len(pieces[-1][1])
        some = [pieces.pop() for _ in range(min(len(pieces), max(1, _STEP_TOKENS // longest)))]
        states = _read(insides, [piece for _, piece in some], layer)
        for (item, piece), found in zip(some, states, strict=True):
            _gather(gathered, counts, item, found[: len(piece)])
            done += len(piece)
        if progress is not None:
            progress(done, total)
    width = next(iter(gathered.values())).shape[1] if gathered else 0
    empty = np.zeros((len(items), width), np.float32)
    if gathered:
        gathered["mean"] /= np.maximum(counts, 1)
        gathered["max"][counts[:, 0] == 0] = 0
    values = np.concatenate([gathered.get(pool, empty) for pool in pools], axis=1)
    return values, [f"{pool}:{number}" for pool in pools for number in range(width)]


def _gather(gathered: dict[str, Floats], counts: Floats, item: int, states: Floats) -> None:
    """Add the states [tokens, width] of a piece to those of its item; pieces come in no order but the last one's."""
    if not gathered:
        shape = (len(counts), states.shape[1])
        gathered.update(
            mean=np.zeros(shape, np.float32), last=np.zeros(shape, np.float32), max=np.full(shape, -np.inf, np.float32)
        )
    gathered["mean"][item] += states.sum(axis=0)
    np.maximum(gathered["max"][item], states.max(axis=0), out=gathered["max"][item])
    gathered["last"][item] = states[-1]
    counts[item] += len(states)


def _open(source: "Source", device: str) -> _Insides:
    """Return the insides of a program. Raises UsageError for a classifier of images."""
    from multum.neural.loading import load, pick_device

    if source.task in ("bytes", "tokens"):
        loaded = load(source, device)
        window = min(loaded.longest or _WINDOW, _WINDOW)
        start = [] if loaded.vocabulary.start is None else [loaded.vocabulary.start]

        def cut(items: Sequence[bytes]) -> list[list[NDArray[np.int64]]]:
            ids = [np.array([*start, *loaded.vocabulary.encode(item).ids], np.int64) for item in items]
            return [[one[at : at + window] for at in range(0, len(one), window)] for one in ids]

        return _Insides(loaded.model.base_model, loaded.device, masked=False, padding=0, pieces=cut)
    from multum.neural.classifiers import open_classifier
    from multum.neural.features import TextReader

    classifier = open_classifier(str(source.folder))
    reader = classifier.reader
    if not isinstance(reader, TextReader):
        raise UsageError(f"'{source.name}' reads images; features are of programs over bytes, tokens or texts")

    def read(items: Sequence[bytes]) -> list[list[NDArray[np.int64]]]:
        return [[ids.astype(np.int64)] for ids in reader.read([item.decode("utf-8", "replace") for item in items]).ids]

    place, padding = pick_device(device), int(reader.tokenizer.pad_token_id or 0)
    return _Insides(classifier.module.base_model.to(place), place, masked=True, padding=padding, pieces=read)


def _read(insides: _Insides, pieces: Sequence[NDArray[np.int64]], layer: int) -> Floats:
    """Return float32[pieces, longest, width]: the states of `layer`. Raises UsageError for one that is not there."""
    import torch

    ids = np.full((len(pieces), max(map(len, pieces))), insides.padding, np.int64)
    mask = np.zeros_like(ids)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece)], mask[row, : len(piece)] = piece, 1
    inputs = {"input_ids": torch.from_numpy(ids).to(insides.device)}
    if insides.masked:
        inputs["attention_mask"] = torch.from_numpy(mask).to(insides.device)
    with torch.inference_mode():
        states = insides.network(**inputs, output_hidden_states=True).hidden_states
    if not -len(states) <= layer < len(states):
        raise UsageError(f"there is no layer {layer}; layers are 0 to {len(states) - 1}, or from -1 downwards")
    found: Floats = states[layer].float().cpu().numpy()
    return found
