"""Small archives of every kind, to start fuzzing from."""

import tarfile
from pathlib import Path

import multum
from multum.archive import coding
from tests.archive.checkpoints import Tensors, bfloat16, safetensors, weights
from tests.hostile.forge import FOLDER, folder, member, whole

TEXT = b"much in little, little in much; " * 3
RECORDS = b"".join(number.to_bytes(4, "little") for number in range(40))


def sound_archives() -> dict[str, bytes]:
    """Return sound archives: empty, of one and several blocks, at several levels, of a folder."""
    made = {f"level_{level}": multum.pack_bytes(TEXT, level) for level in (1, 5)}
    made |= {"empty": multum.pack_bytes(b""), "records": multum.pack_bytes(RECORDS), "stored": whole(TEXT)}
    made["folder"] = folder(
        member("d", tarfile.DIRTYPE), member("d/f"), member("d/link", tarfile.SYMTYPE, "f"), member("e")
    )
    made["blocks"] = in_tiny_blocks(TEXT)
    made["tensors"] = multum.pack_bytes(in_tensors(), 1)
    return made


def in_tensors() -> bytes:
    """Return a safetensors file whose blocks are coded as tensors, one of them as a repeat."""
    values = weights(16, 40, 1)
    tensors: Tensors = {name: ("F32", (16, 40), values.tobytes()) for name in "abcdefg"}
    return safetensors({**tensors, "half": ("BF16", (16, 40), bfloat16(values)), "last": tensors["a"]})


def in_tiny_blocks(data: bytes) -> bytes:
    """Return an archive of `data` in blocks of 32 bytes."""
    block_bytes = coding.block_bytes
    coding.block_bytes = lambda level: 32  # noqa: ARG005 - the shape of block_bytes
    try:
        return multum.pack_bytes(data, 1)
    finally:
        coding.block_bytes = block_bytes


def write_corpus(target: Path) -> None:
    """Write sound and hostile archives as files into the folder `target`."""
    for name, data in sound_archives().items():
        (target / name).write_bytes(data)
    for path in FOLDER.glob("*.mtm"):
        (target / path.name).write_bytes(path.read_bytes())
