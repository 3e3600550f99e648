"""Where a trained program lies: a directory, a GGUF file, or a name on the Hugging Face hub.

Invariant: nothing is executed. Weights are safetensors or GGUF, never a pickle, and no
program's own code is run.
"""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from multum.errors import FormatError, MissingExtra, UsageError

GGUF = ".gguf"
_GGUF_MAGIC = b"GGUF"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_WEIGHTS = "model*.safetensors"  # one file, or the shards of one model
# What is fetched from the hub: never pickled weights, never code.
_WANTED = ("*.json", _WEIGHTS, "*.txt", "*.model")
DESCRIPTION = "multum.json"
# Which layers are in two halves, and the file that has them; see multum.neural.factors.
FACTORED, FACTORED_WEIGHTS = "factored.json", "model-factored.safetensors"
# Which layers are narrower than in the network that takes the values; see multum.neural.narrowing.
NARROWED = "narrowed.json"
# How networks that tell classes are called in config.json.
_CLASSIFIERS = ("ForSequenceClassification", "ForImageClassification")
LARGEST_DESCRIPTION_BYTES = 1 << 26


@dataclass(frozen=True)
class Source:
    """A program's files. name: as it was asked for. gguf: the file in `folder`, or None.

    archive: what the folder was unpacked from, whose size counts; or None.
    """

    name: str
    folder: Path
    gguf: str | None = None
    archive: Path | None = None

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """The files that hold the weights, sorted."""
        if self.gguf is not None:
            return (self.folder / self.gguf,)
        return tuple(sorted(self.folder.glob(_WEIGHTS)))

    @property
    def size_bytes(self) -> int:
        """Bytes of the weight files, or of the archive: what the program would cost to send as it lies there."""
        if self.archive is not None:
            return self.archive.stat().st_size
        return sum(path.stat().st_size for path in self.weight_files)

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the object in the folder's file `name`, {} when there is no such file. Raises FormatError."""
        path = self.folder / name
        if self.gguf is not None or not path.is_file():
            return {}
        if path.stat().st_size > LARGEST_DESCRIPTION_BYTES:
            raise FormatError(f"'{path}' has more than {LARGEST_DESCRIPTION_BYTES:,} bytes; it is no description")
        try:
            found = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise FormatError(f"'{path}' is not JSON: {error}") from error
        if not isinstance(found, dict):
            raise FormatError(f"'{path}' holds {type(found).__name__}; an object was expected")
        return found

    @property
    def task(self) -> str:
        """What the program's bits are of, as multum.json says; without one "labels" for a classifier, else "bytes"."""
        told = self.read_json(DESCRIPTION).get("task")
        if told is not None:
            return str(told)
        kinds = self.read_json("config.json").get("architectures") or []
        return "labels" if any(str(kind).endswith(_CLASSIFIERS) for kind in kinds) else "bytes"


def read_task(folder: str) -> str:
    """Return the task of the program in `folder`, by its multum.json alone. Raises FormatError."""
    return Source(folder, Path(folder)).task


def find_source(spec: str) -> Source:
    """Return the files of the program that `spec` names, fetched from the hub if need be.

    spec: a directory with config.json and safetensors, a .gguf file, or a hub name; a path
    that exists wins over a hub name. Raises UsageError when it is none of them, FormatError
    when it is there and is not a program that is safe to load, MissingExtra.
    """
    if os.path.isdir(spec):
        return _check_folder(Source(spec, Path(spec)))
    if os.path.exists(spec):
        return _check_gguf(spec)
    if spec.endswith(GGUF) or not _HUB_NAME.fullmatch(spec):
        raise UsageError(f"there is no program '{spec}'; name a directory, a .gguf file or a hub model that exists")
    return _check_folder(Source(spec, _fetch(spec)))


def _check_folder(source: Source) -> Source:
    """Return `source`. Raises FormatError unless it holds a config and safetensors."""
    if not (source.folder / "config.json").is_file():
        raise FormatError(
            f"'{source.name}' is not a program: it has no config.json; `multum fit` writes such directories"
        )
    if source.weight_files:
        return source
    pickles = sorted(path.name for suffix in ("*.bin", "*.pt", "*.pth") for path in source.folder.glob(suffix))
    if pickles:
        raise FormatError(
            f"'{source.name}' holds pickled weights ({pickles[0]}), which could run code and are never opened;"
            " convert them to safetensors"
        )
    raise FormatError(f"'{source.name}' is not a program: it has a config.json and no model.safetensors")


def _check_gguf(spec: str) -> Source:
    """Return the source of a GGUF file. Raises FormatError for a file that is none."""
    with open(spec, "rb") as file:
        if file.read(len(_GGUF_MAGIC)) != _GGUF_MAGIC:
            raise FormatError(f"'{spec}' is not a program; programs are directories, .gguf files and .mtm archives")
    path = Path(spec)
    return Source(spec, path.parent, path.name)


def _fetch(name: str) -> Path:
    """Return the local folder of a hub model. Raises UsageError when it cannot be had."""
    try:
        from huggingface_hub import constants, snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtra(
            f"'{name}' is no file here, and hub models need an extra; pip install 'multum[learn]'"
        ) from error
    try:
        return Path(snapshot_download(name, allow_patterns=list(_WANTED)))
    except HFValidationError as error:
        raise UsageError(f"'{name}' is neither a path that exists nor a hub name: {error}") from error
    except (HfHubHTTPError, OSError) as error:
        offline = constants.is_offline_mode()
        why = "HF_HUB_OFFLINE is set" if offline else f"the hub did not give it ({type(error).__name__})"
        raise UsageError(
            f"there is no program '{name}': no such path, not in the Hugging Face cache, and {why};"
            " give a directory, a .gguf file, or the name of a hub model"
        ) from error
