"""Channels that go, an even share of every layer's, with all that carries and reads them.

Those go that the predictions mind least, by second moments of what reads them and the gradients behind; all layers that
read them are then fitted anew to what is left, in the order in which data pass through them, and means stay what they
were. What a network says, its classes, stays.
Sources: Fang and others, "DepGraph" (2023), for what belongs together; Kurtic and others, "ZipLM" (2023), section 3.1.
Invariant: a network without what went says what the whole one says when nobody reads it; that is tried before anything
changes, and a network of which it is not so is refused.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from multum.errors import UsageError
from multum.neural.narrowing import keep_channels, read_sizes
from multum.quantization.sensitivities import Batch, measure_sensitivities
from multum.quantization.weights import Skipped, Weight, find_weights
from multum.reduction.bundles import Bundle, find_bundles
from multum.reduction.jobs import Job, Removed, check_batches
from multum.reduction.removing import Removal, refit_without, remove_groups
from multum.reduction.settling import Settler
from multum.reduction.skipping import predict
from multum.reduction.stages import check_told, count_told, narrow_config
from multum.reduction.walking import Moments, walk

# How far answers may lie apart that sums in another order made, in shares of the largest.
_NEAR = 1e-3


def remove_channels(job: Job) -> Removed:
    """Take a share of the channels out of a network, in place; return what went.

    Memory: 4 bytes times the square of the inputs of each layer that reads channels, and a run of all data at once.
    Raises UsageError for a network without convolutions, one that cannot be traced, or one whose config cannot tell of
    fewer channels; FormatError, MissingExtra.
    """
    module = job.module
    check_told(module)
    if not any(isinstance(part, nn.Conv1d | nn.Conv2d) for part in module.modules()):
        raise UsageError(f"a {type(module).__name__} network has no convolutions, so that no channels of it can go")
    check_batches(job)
    first = {name: value for name, value in job.batches[0].items() if name != "labels"}
    job.tell("tracing", 0.0)
    bundles = find_bundles(module, first)
    changes = narrow_config(module, job.asked.share)
    counts = count_told(module, changes, bundles) if changes else _count(job.asked.share, bundles)
    going = {bundle: count for bundle, count in zip(bundles, counts, strict=True) if count}
    if not going:
        raise UsageError(_say_none(job, bundles))
    cut = _Cut(module, _choose(job, going))
    cut.check(first)
    cut.make_good(job)
    sizes = keep_channels(module, cut.list_kept())
    for name, value in changes.items():
        setattr(module.config, name, value)
    told = f"{sum(going.values()):,} of {sum(bundle.size for bundle in going):,} channels are gone"
    left = tuple(Skipped(bundle.name, bundle.size, bundle.barred) for bundle in bundles if bundle.barred)
    return Removed(told, changes, sizes={} if changes else sizes, left=left)


def _count(share: float, bundles: Sequence[Bundle]) -> list[int]:
    """Return how many channels of each bundle are a share of it, one at least left; none of those that are barred."""
    return [0 if bundle.barred else min(round(share * bundle.size), bundle.size - 1) for bundle in bundles]


def _say_none(job: Job, bundles: Sequence[Bundle]) -> str:
    """Return why no channels go."""
    kind, share = type(job.module).__name__, job.asked.share
    if not bundles:
        return f"no channels of a {kind} network can go: none can be followed to what it says"
    barred = next((bundle for bundle in bundles if bundle.barred), None)
    if all(bundle.barred for bundle in bundles) and barred is not None:
        return f"no channels of a {kind} network can go; those of '{barred.name}' stay: {barred.barred}"
    return f"a share of {share:g} is no channel of any layer of a {kind} network; give a larger one"


def _choose(job: Job, going: Mapping[Bundle, int]) -> dict[Bundle, Tensor]:
    """Return which channels of each bundle stay, bool[size]: the predictions mind the others least."""
    weights = _find_readers(job.module, going)
    told = job.teller("measuring")
    found = measure_sensitivities(
        job.module,
        list(weights.values()),
        job.batches,
        seed=job.seed,
        progress=None if told is None else lambda done: told(done / len(job.batches)),
    )
    kept = {}
    for number, (bundle, count) in enumerate(going.items()):
        removals = []
        for reader in bundle.readers:
            weight = weights[reader]
            if weight.name not in found:
                raise _refuse_unreached(weight.name)
            mind = found[weight.name]
            moments = Moments(mind.columns.double(), mind.positions)
            removals.append(Removal.begin(weight.read(), moments, mind.rows, bundle.list_inputs(reader, weight)))
        remove_groups(removals, count)
        kept[bundle] = removals[0].left
        job.tell("choosing", (number + 1) / len(going))
    return kept


def _find_readers(module: nn.Module, bundles: Mapping[Bundle, Any]) -> dict[str, Weight]:
    """Return the matrices that read the channels of `bundles`, by the names of their layers."""
    wanted = {reader for bundle in bundles for reader in bundle.readers}
    return {weight.uses[0].name: weight for weight in find_weights(module)[0] if weight.uses[0].name in wanted}


def _refuse_unreached(name: str) -> UsageError:
    return UsageError(f"the data do not reach '{name}', so that nobody knows what may go; give other data")


class _Cut:
    """What goes of a network. kept: of each bundle, which channels stay, bool[size]."""

    def __init__(self, module: nn.Module, kept: Mapping[Bundle, Tensor]) -> None:
        self._module, self._kept = module, kept
        self._weights = _find_readers(module, kept)
        gone: dict[str, list[Tensor]] = {}
        for bundle, left in kept.items():
            for reader in bundle.readers:
                columns = bundle.list_inputs(reader, self._weights[reader])[~left]
                gone.setdefault(reader, []).append(columns.flatten())
        self._gone = {reader: torch.cat(columns) for reader, columns in gone.items()}

    def list_kept(self) -> dict[str, list[Tensor]]:
        """Return the numbers of the channels that stay of each layer that loses some, of each of its sizes."""
        masks: dict[str, list[Tensor]] = {}
        for bundle, left in self._kept.items():
            for places, axis in ((bundle.makers, 0), (bundle.readers, 1)):
                for name, owners in places.items():
                    if name not in masks:
                        sizes = read_sizes(self._module.get_submodule(name))
                        masks[name] = [torch.ones(size, dtype=torch.bool) for size in sizes]
                    masks[name][axis] &= left[owners] | (owners < 0)
        return {name: [mask.nonzero().flatten() for mask in axes] for name, axes in masks.items()}

    def check(self, batch: Batch) -> None:
        """Raise UsageError unless the network without what goes says what it says when nobody reads that."""
        unread, small = copy.deepcopy(self._module).eval(), copy.deepcopy(self._module).eval()
        for reader, weight in _find_readers(unread, self._kept).items():
            matrix = weight.read()
            matrix[:, self._gone[reader]] = 0
            weight.write(matrix)
        keep_channels(small, self.list_kept())
        wanted, kind = predict(unread, batch), type(self._module).__name__
        try:
            found = predict(small, batch)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            reason = str(error).partition("\n")[0]
            raise UsageError(f"a {kind} network cannot run with fewer channels ({reason})") from error
        if found.shape != wanted.shape or float((found - wanted).abs().max()) > _NEAR * float(wanted.abs().max()):
            raise UsageError(
                f"a {kind} network does more with its channels than its graph tells, so that none of them can go"
            )

    def make_good(self, job: Job) -> None:
        """Fit the layers that read what goes to what stays, and have means stay what they were."""
        done = 0

        def change(weight: Weight, moments: Moments) -> None:
            nonlocal done
            gone = self._gone[weight.uses[0].name]
            weight.write(refit_without(weight.read(), moments, gone))
            done += 1
            job.tell("making good", done / len(self._weights))

        settler = Settler(self._module, self._weights, job.batches)
        with settler.settling():
            missed = walk(self._module, list(self._weights.values()), job.batches, change)
        assert not missed, "gradients came to all of them"
