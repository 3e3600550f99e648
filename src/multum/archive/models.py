"""Archives of models: folders with safetensors, which `unpack` gives back as they were packed."""

import contextlib
import json
import os
import tarfile
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import IO, Any, cast

from multum.archive.seeking import open_archive
from multum.archive.sources import ByteSource, read_header
from multum.archive.targets import scratch_folder
from multum.archive.unpacking import unpack
from multum.errors import FormatError

SUFFIX = ".mtm"
_WEIGHTS = "model*.safetensors"
_DESCRIPTION = "multum.json"
_LARGEST_DESCRIPTION_BYTES = 1 << 26


def holds_model(path: "str | os.PathLike[str]") -> bool:
    """Return whether `path` is an archive of a folder with the weights of a model at its top.

    An archive that carries a program for its blocks is that program, whatever it holds.
    Cost: what decoding the blocks before the weights takes. Raises FormatError, LimitExceeded, OSError.
    """
    with _open_folder(os.fspath(path)) as tar:
        return tar is not None and any(fnmatch(member.name, _WEIGHTS) for member in tar)


def read_archived_task(path: "str | os.PathLike[str]") -> str | None:
    """Return what the bits of the model in the archive `path` are of; None where no model says so.

    Raises FormatError for a description that is none, LimitExceeded, OSError.
    """
    task = _read_facts(os.fspath(path)).get("task")
    return None if task is None else str(task)


def count_shrunken_bits(path: "str | os.PathLike[str]") -> float | None:
    """Return the bits a weight that `shrink` made the archive `path` of; None for what it did not make.

    Raises FormatError for a description that is none, LimitExceeded, OSError.
    """
    name = os.fspath(path)
    shrunken = _read_facts(name).get("shrunken")
    weights = shrunken.get("weights") if isinstance(shrunken, dict) else None
    return 8 * os.path.getsize(name) / weights if isinstance(weights, int) and weights > 0 else None


def _read_facts(name: str) -> dict[str, Any]:
    """Return what multum.json says of the model in the archive `name`; nothing where there is no model."""
    if not holds_model(name):
        return {}
    with _open_folder(name) as tar:
        assert tar is not None, "it holds a model"
        for member in tar:
            if member.name == _DESCRIPTION and member.isreg():
                return _read_description(tar, member, name)
    return {}


@contextlib.contextmanager
def model_folder(
    spec: "str | os.PathLike[str]", threads: int | None = None, memory_limit: int | None = None
) -> Iterator[str]:
    """Give the folder of a model in an archive, unpacked and there until the body ends; any other `spec` as it is.

    Raises FormatError, LimitExceeded, OSError.
    """
    name = os.fspath(spec)
    if not holds_model(name):
        yield name
        return
    with scratch_folder("model") as folder:
        unpack(name, folder, threads, force=True, memory_limit=memory_limit)
        yield folder


@contextlib.contextmanager
def _open_folder(name: str) -> Iterator[tarfile.TarFile | None]:
    """Give the folder in the archive `name`; None for anything else, and where a program coded the blocks."""
    if not (name.endswith(SUFFIX) and os.path.isfile(name)):
        yield None
        return
    with open(name, "rb") as stream:
        header = read_header(ByteSource(stream))
    if not header.tar or header.program:
        yield None
        return
    with open_archive(name) as file:
        try:
            with tarfile.open(fileobj=cast(IO[bytes], file), mode="r:", encoding="utf-8") as tar:
                yield tar
        except tarfile.TarError as error:
            raise FormatError(f"the folder in '{name}' cannot be read: {error}") from error


def _read_description(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> dict[str, Any]:
    """Return the object in the folder's multum.json. Raises FormatError."""
    file = tar.extractfile(member)
    if file is None or member.size > _LARGEST_DESCRIPTION_BYTES:
        raise FormatError(f"the {_DESCRIPTION} in '{name}' is no description")
    try:
        found = json.loads(file.read())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the {_DESCRIPTION} in '{name}' is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise FormatError(f"the {_DESCRIPTION} in '{name}' holds {type(found).__name__}; an object was expected")
    return found
