"""Classifiers: ordinary `transformers` networks with a head, and how they read their inputs.

Invariant: a classifier's directory is one that `transformers` loads by itself; its classes are config.id2label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from multum.errors import FormatError, UsageError
from multum.neural.clips import restore_clips
from multum.neural.features import (
    MOST_TOKENS,
    PREPROCESSOR,
    Features,
    ImageReader,
    Reader,
    TextReader,
    read_image_reader,
)
from multum.neural.loading import foreign_errors, quiet
from multum.neural.networks import load_network
from multum.neural.sources import FACTORED_WEIGHTS, Source, find_source

# Models say how long a text they can read, or a number like this when nobody said.
_NO_LIMIT = 1 << 20


@dataclass(frozen=True)
class Classifier:
    """A network that tells classes, and the reader of its inputs.

    module: its output has `logits`. fresh: names of parameters that no training has touched.
    """

    module: nn.Module
    reader: Reader
    classes: tuple[str, ...]
    fresh: frozenset[str] = frozenset()

    def save(self, module: nn.Module, folder: Path) -> None:
        """Write `module`, this classifier's or one of the same shape, as a Hugging Face directory."""
        with quiet():
            module.save_pretrained(folder)  # type: ignore[operator]
            self.reader.save(folder)


def open_classifier(
    program: str, classes: Sequence[str] | None = None, most_tokens: int = MOST_TOKENS, seed: int = 0
) -> Classifier:
    """Return the classifier at `program`, a directory or hub name, on the CPU in float32.

    classes: put a new head for these on an encoder, drawn by `seed`; None for a finished classifier.
    Raises UsageError, FormatError, MissingExtra.
    """
    source = find_source(program)
    with quiet(), foreign_errors(source):
        config = _read_config(source)
        if classes is not None:
            _set_classes(config, classes)
        elif not any(name.endswith("Classification") for name in config.architectures or []):
            raise UsageError(
                f"'{program}' is no classifier; train one with `multum fit --task labels --init {program}`"
            )
        torch.manual_seed(seed)
        reader = open_reader(source, config, most_tokens)
        module, fresh = _load_module(source, config, isinstance(reader, ImageReader))
        if fresh and classes is None:
            raise FormatError(f"'{program}' lacks {len(fresh)} weights of its network, such as {min(fresh)}")
        names = tuple(config.id2label[number] for number in range(config.num_labels))
    return Classifier(module.eval(), reader, names, fresh)


def _read_config(source: Source) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(source.folder, trust_remote_code=False, local_files_only=True)


def _set_classes(config: Any, classes: Sequence[str]) -> None:
    config.id2label = dict(enumerate(classes))
    config.label2id = {name: number for number, name in enumerate(classes)}
    config.problem_type = None


def open_reader(source: Source, config: Any, most_tokens: int) -> Reader:
    """Return the reader of an image or text program, for inputs up to `most_tokens` long."""
    if (source.folder / PREPROCESSOR).is_file():
        return read_image_reader(source.read_json(PREPROCESSOR), config.num_channels, source.name)
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(source.folder, trust_remote_code=False, local_files_only=True)
    limits = (tokenizer.model_max_length, getattr(config, "max_position_embeddings", None) or _NO_LIMIT)
    return TextReader(tokenizer, int(min(most_tokens, *limits)))


def _load_module(source: Source, config: Any, is_image: bool) -> tuple[nn.Module, frozenset[str]]:
    """Return the network, and the names of weights that the files lack; those are drawn."""
    from transformers import AutoModelForImageClassification, AutoModelForSequenceClassification

    if (source.folder / FACTORED_WEIGHTS).is_file():
        return load_network(source), frozenset()  # halves of layers, which transformers does not know
    family: Any = AutoModelForImageClassification if is_image else AutoModelForSequenceClassification
    module, found = family.from_pretrained(
        source.folder,
        config=config,
        trust_remote_code=False,
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        dtype=torch.float32,
    )
    restore_clips(module, source)
    # A mismatched key comes as (name, shape there, shape here).
    mismatched = {key if isinstance(key, str) else key[0] for key in found["mismatched_keys"]}
    return module, frozenset(found["missing_keys"]) | frozenset(mismatched)


@torch.no_grad()
def predict(module: nn.Module, features: Features, batch: int = 128) -> NDArray[np.float64]:
    """Return float64[n, classes]: natural log-probabilities; `module` is in evaluation mode.

    batch: inputs side by side, those of like length together.
    """
    device = next(module.parameters()).device
    order = np.argsort(-features.lengths, kind="stable")
    told: list[NDArray[np.float64]] = []
    for start in range(0, len(order), batch):
        inputs = features.gather(order[start : start + batch])
        logits = module(**{name: tensor.to(device) for name, tensor in inputs.items()}).logits
        told.append(torch.log_softmax(logits.double(), dim=1).cpu().numpy())
    scores = np.concatenate(told)
    result = np.empty_like(scores)
    result[order] = scores
    return result
