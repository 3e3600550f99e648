"""From a program's files to a network in memory, quietly, and only if it is what it says.

Invariant: what is loaded is complete and causal: every weight came from the files, and no
prediction depends on what comes after it.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from multum.errors import FormatError, LimitExceeded, MissingExtra, MultumError, UsageError
from multum.neural.sources import FACTORED_WEIGHTS, Source
from multum.neural.vocabulary import Vocabulary, byte_vocabulary, read_vocabulary

if TYPE_CHECKING:
    import torch

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json")
_PROBE_TOKENS = 8


@dataclass(frozen=True)
class Loaded:
    """A causal network in memory. longest: tokens it can read at once, None for any number."""

    model: Any  # a transformers PreTrainedModel, in evaluation mode, float32
    vocabulary: Vocabulary
    device: "torch.device"
    longest: int | None


def import_learn() -> None:
    """Load torch and transformers. Raises MissingExtra."""
    try:
        import torch  # noqa: F401 - only whether they are there
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra(f"trained programs need {error.name}; pip install 'multum[learn]'") from error


def pick_device(name: str) -> "torch.device":
    """Return the device that `name` means: "auto" is a CUDA device if there is one, else the CPU.

    Raises UsageError for a device that torch does not know or that is not there.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"device '{name}' cannot be used ({reason}); give auto, cpu, cuda or cuda:N") from error
    return device


def load(source: Source, device: str = "auto") -> Loaded:
    """Return the network of `source` on `device`, in float32 whatever it is stored in.

    Raises FormatError for files that make no complete causal network, UsageError for a device
    that is not there, MissingExtra.
    """
    import_learn()
    target = pick_device(device)
    with quiet(), foreign_errors(source):
        model = _load_model(source).eval().to(target)
        size = int(model.get_output_embeddings().weight.shape[0])
        vocabulary = load_vocabulary(source, size)
        _check_causal(source, model)
    return Loaded(model, vocabulary, target, count_longest(model.config))


def count_longest(config: Any) -> int | None:
    """Return the tokens that a network can read at once, None for any number."""
    return getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)


def _load_model(source: Source) -> Any:
    """Return the model. Raises FormatError for another kind of network or missing weights."""
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    named = {} if source.gguf is None else {"gguf_file": source.gguf}
    config = AutoConfig.from_pretrained(source.folder, trust_remote_code=False, local_files_only=True, **named)
    kinds = config.architectures or []
    if kinds and not set(kinds) & set(CAUSAL.values()):
        raise FormatError(f"'{source.name}' is a {kinds[0]}; a program over bytes or tokens is a causal language model")
    return load_complete(source, AutoModelForCausalLM)


def load_complete(source: Source, kind: Any) -> Any:
    """Return a network of the class `kind` of transformers, in float32. Raises FormatError for missing weights."""
    import torch

    if (source.folder / FACTORED_WEIGHTS).is_file():
        from multum.neural.factors import load_factored

        return _check_complete(source, *load_factored(source, kind))
    model, info = kind.from_pretrained(
        source.folder,
        trust_remote_code=False,
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        dtype=torch.float32,
        **({} if source.gguf is None else {"gguf_file": source.gguf}),
    )
    return _check_complete(source, model, info)


def _check_complete(source: Source, model: Any, info: dict[str, Any]) -> Any:
    """Return `model` with the clips that it was trained with. Raises FormatError where loading missed weights."""
    from multum.neural.clips import restore_clips

    lost = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if lost:
        raise FormatError(f"'{source.name}' lacks {len(lost)} of its weights, {lost[0]} among them")
    restore_clips(model, source)
    return model


def load_vocabulary(source: Source, size: int) -> Vocabulary:
    """Return the vocabulary of a network that predicts `size` tokens; without a tokenizer, 256 are the bytes.

    Raises FormatError for a tokenizer that does not belong to it or hides which bytes its tokens stand for.
    """
    from transformers import AutoTokenizer

    if source.gguf is not None:
        named = {"gguf_file": source.gguf}
    elif any((source.folder / name).is_file() for name in _TOKENIZERS):
        named = {}
    elif size == 256:
        return byte_vocabulary(source.name)
    else:
        raise FormatError(f"'{source.name}' has no tokenizer, and {size} tokens that are not the 256 bytes")
    tokenizer = AutoTokenizer.from_pretrained(source.folder, trust_remote_code=False, local_files_only=True, **named)
    return read_vocabulary(source.name, tokenizer, size)


def _check_causal(source: Source, model: Any) -> None:
    """Raise FormatError when a prediction changes with what comes after it: its bits would be no code."""
    import torch

    ids = torch.arange(_PROBE_TOKENS, device=model.device) % model.get_output_embeddings().weight.shape[0]
    other = ids.clone()
    other[-1] = 0
    with torch.inference_mode():
        logits = model(torch.stack([ids, other])).logits[:, :-1].float()  # [2, probe - 1, vocabulary]
    if not torch.isfinite(logits).all():
        raise FormatError(f"'{source.name}' predicts values that are not finite; its weights are damaged")
    if not torch.allclose(logits[0], logits[1], rtol=1e-3, atol=1e-3):
        raise FormatError(f"'{source.name}' looks ahead: its predictions depend on what comes after them")


@contextlib.contextmanager
def foreign_errors(source: Source) -> Iterator[None]:
    """Turn whatever torch, transformers and their readers raise for bad files into FormatError."""
    try:
        yield
    except (MultumError, MemoryError):
        raise
    except Exception as error:  # tokenizers raises nothing narrower, and the others anything
        reason = str(error).strip().partition("\n")[0]
        if type(error).__name__ == "OutOfMemoryError":
            raise LimitExceeded(f"'{source.name}' does not fit on the device ({reason}); give --device cpu") from error
        raise FormatError(f"'{source.name}' cannot be loaded: {reason or type(error).__name__}") from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from talking: a library raises, and the command speaks."""
    from transformers.utils import logging as speech

    logging: Any = speech  # it ships no types

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        # The GGUF reader has a progress bar of its own.
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
