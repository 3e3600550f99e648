"""`load_program`: a small model back in memory, with exactly the values that its file holds.

torch loads when it is called.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from multum.archive.models import holds_model, model_folder
from multum.errors import FormatError, UsageError
from multum.neural.loading import foreign_errors, import_learn
from multum.neural.networks import load_network, read_config
from multum.neural.sources import FACTORED, NARROWED, Source, find_source

if TYPE_CHECKING:
    from torch import nn

    from multum.quantization.sensitivities import Batch


def load_program(
    path: "str | os.PathLike[str]",
    *,
    into: "nn.Module | None" = None,
    int8: "bool | Literal['auto', 'token', 'tensor', 'static']" = False,
    data: "Sequence[Batch] | None" = None,
    weight_bits: int | None = None,
    threads: int | None = None,
    memory_limit: int | None = None,
) -> "nn.Module":
    """Return the network that `path` holds, in float32 on the CPU and in evaluation mode.

    path: an archive that `shrink` made or `pack` made of a Hugging Face directory; or such a directory.
    into: the network that takes the values, where the file has no config; it is returned itself, narrower where
    channels of it went.
    int8: True for linear layers in 8-bit integers; "auto" for them where they run faster on this machine. They are
    close to the dense values, which False gives bit for bit. What comes in has a step for each token, or, if int8 is
    "tensor", one for all of it, or, if it is "static", one for ever, by `data`: batches, each the named arguments of a
    call of the network. weight_bits: 4 or 8 for weights that stay integers in memory while what comes in stays
    bfloat16: linear layers, and tables and heads of words, which have 8 anyway. threads, memory_limit: as `unpack`.
    Raises UsageError for an archive of other things, FormatError, LimitExceeded, MissingExtra, OSError.
    """
    name = os.fspath(path)
    import_learn()
    from multum.reduction.weight_only import make_weight_only
    from multum.shrinking.measuring import make_probe

    if int8 and weight_bits is not None:
        raise UsageError("products of 8-bit integers and weights that alone are integers exclude each other; give one")

    if name.endswith(".mtm") and os.path.isfile(name) and not holds_model(name):
        raise UsageError(f"'{name}' holds no weights of a model; give an archive that `multum shrink` wrote")
    with model_folder(name, threads, memory_limit) as folder:
        probe = None
        if into is not None:
            module = _fill(into, Path(folder), name)
        elif not (Path(folder) / "config.json").is_file() and os.path.isdir(folder):
            raise UsageError(f"'{name}' holds weights without a config; give the network that takes them with into=")
        else:
            source = find_source(folder)
            module, probe = load_network(source), make_probe(read_config(source), source)
    if weight_bits is not None:
        return make_weight_only(module, weight_bits)
    return _choose_int8(module, probe, int8, data)


def _fill(module: "nn.Module", folder: Path, name: str) -> "nn.Module":
    """Return `module` with the values of the file. Raises FormatError when they are those of another network."""
    from multum.neural.factors import refit
    from multum.neural.narrowing import narrow
    from multum.shrinking.models import read_files

    source = Source(name, folder)
    stored = read_files(name, source.weight_files)
    with foreign_errors(source):
        narrow(module, source.read_json(NARROWED))
        refit(module, source.read_json(FACTORED), stored)
    state = module.state_dict()
    strange = [key for key, tensor in stored.items() if key not in state or state[key].shape != tensor.shape]
    if strange:
        raise FormatError(f"'{name}' holds another network: it has '{strange[0]}', which does not fit this one")
    # tied tensors are in the file once
    places = {state[key].data_ptr() for key in stored}
    lost = [key for key, tensor in state.items() if tensor.numel() and tensor.data_ptr() not in places]
    if lost:
        raise FormatError(f"'{name}' holds another network: it lacks '{lost[0]}'")
    module.load_state_dict(stored, strict=False)
    return module.eval()


def _choose_int8(module: "nn.Module", probe: Any, int8: bool | str, data: "Sequence[Batch] | None") -> "nn.Module":
    """Return `module`, or its copy in 8-bit integers where that is asked for, or faster on the probe."""
    from multum.shrinking.int8 import TOKEN, make_int8, measure_int8
    from multum.shrinking.measuring import measure_running

    if int8 != "auto":
        return make_int8(module, TOKEN if int8 is True else int8, data) if int8 else module
    if probe is None:
        return module
    dense = measure_running(module, *probe)
    found = measure_int8(module, *probe)
    return found[0] if found is not None and found[1].seconds < dense.seconds else module
