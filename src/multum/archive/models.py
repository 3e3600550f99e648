"""Archives of models: folders with safetensors, which `unpack` gives back as they were packed."""

import contextlib
import os
import tarfile
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import IO, cast

from multum.archive.seeking import open_archive
from multum.archive.sources import ByteSource, read_header
from multum.archive.unpacking import unpack

SUFFIX = ".mtm"
_WEIGHTS = "model*.safetensors"


def holds_model(path: "str | os.PathLike[str]") -> bool:
    """Return whether `path` is an archive of a folder with the weights of a model at its top.

    An archive that carries a program for its blocks is that program, whatever it holds.
    Cost: what decoding the blocks before the weights takes. Raises FormatError, LimitExceeded, OSError.
    """
    name = os.fspath(path)
    if not (name.endswith(SUFFIX) and os.path.isfile(name)):
        return False
    with open(name, "rb") as stream:
        header = read_header(ByteSource(stream))
    if not header.tar or header.program:
        return False
    with open_archive(name) as file:
        try:
            with tarfile.open(fileobj=cast(IO[bytes], file), mode="r:", encoding="utf-8") as tar:
                return any(fnmatch(member.name, _WEIGHTS) for member in tar)
        except tarfile.TarError:
            return False


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
    with tempfile.TemporaryDirectory(prefix="multum-model-") as folder:
        unpack(name, folder, threads, force=True, memory_limit=memory_limit)
        yield folder
