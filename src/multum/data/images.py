"""Images with labels from idx files, npz archives and folders with a folder a class.

Invariant: all images of one set have one size and are uint8[n, channels, height, width].
"""

import hashlib
import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from multum.data.contents import digest_contents, read_content
from multum.data.labelled import SHOWN, Labelled, name_few, number_labels
from multum.errors import FormatError, MissingExtra, UsageError

if TYPE_CHECKING:
    from PIL.Image import Image

IDX_BYTES = 8  # the code of unsigned bytes, the only kind that images and labels come in
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff")
CHANNELS = (1, 3, 4)
IMAGE_ARRAYS = ("x", "X", "images", "data", "x_train", "train_images")
LABEL_ARRAYS = ("y", "Y", "labels", "target", "y_train", "train_labels")


def read_idx(path: Path, text_columns: Sequence[str] = (), label_column: str | None = None) -> Labelled:
    """Return the images of an idx file and the labels that lie beside it; see `read_labelled`.

    The labels' file is called as the images', with "labels" for "images" and idx1 for idx3.
    label_column names another. Source: LeCun, Cortes and Burges, the MNIST database.
    """
    _refuse_text_columns(path, text_columns)
    beside = path.name.replace("images", "labels").replace("idx3", "idx1")
    labels_path = Path(label_column) if label_column else path.with_name(beside)
    if not labels_path.is_file() or labels_path == path:
        raise UsageError(
            f"no labels for '{path}': looked for '{labels_path}'; put them there, or name them with --label-column"
        )
    contents = [read_content(path), read_content(labels_path)]
    images = _parse_idx(path, contents[0])
    labels = _parse_idx(labels_path, contents[1])
    if labels.ndim != 1:
        raise FormatError(f"'{labels_path}' has {labels.ndim} dimensions; labels have one")
    return _join(str(path), images, [str(label) for label in labels], digest_contents(*contents), labels_path.name)


def _parse_idx(path: Path, content: bytes) -> NDArray[np.uint8]:
    """Return the array of an idx file. Raises FormatError."""
    if len(content) < 4 or content[:2] != b"\0\0":
        raise FormatError(f"'{path}' is not an idx file: it starts with {content[:4].hex(' ') or 'nothing'}", 0)
    if content[2] != IDX_BYTES:
        raise FormatError(f"'{path}' holds numbers of kind {content[2]}; unsigned bytes (kind 8) were expected", 2)
    rank, start = content[3], 4 + 4 * content[3]
    if not 1 <= rank <= 4 or len(content) < start:
        raise FormatError(f"'{path}' has {rank} dimensions and {len(content)} bytes; it is damaged", 3)
    shape = struct.unpack(f">{rank}I", content[4:start])
    # Python's integers, so that a forged shape cannot wrap around.
    size = 1
    for length in shape:
        size *= length
    if len(content) - start != size:
        raise FormatError(f"'{path}' should hold {size:,} numbers and holds {len(content) - start:,}", start)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_npz(path: Path, text_columns: Sequence[str] = (), label_column: str | None = None) -> Labelled:
    """Return images and labels of an npz archive; see `read_labelled`."""
    content = read_content(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise FormatError(f"'{path}' is not an npz archive of plain arrays: {error}") from error
    if len(text_columns) > 1:
        raise UsageError(f"images of '{path}' come from one array, not from {name_few(text_columns)}")
    images = _choose_array(path, arrays, text_columns[0] if text_columns else None, IMAGE_ARRAYS)
    labels = _choose_array(path, arrays, label_column, LABEL_ARRAYS)
    if arrays[labels].ndim != 1:
        raise FormatError(f"'{path}' has labels of shape {arrays[labels].shape}; one dimension was expected")
    written = [str(label) for label in arrays[labels].tolist()]
    pixels = _as_bytes(f"array '{images}' of '{path}'", arrays[images])
    return _join(str(path), pixels, written, digest_contents(content), f"images '{images}', labels '{labels}'")


def _choose_array(path: Path, arrays: dict[str, Any], asked: str | None, known: Sequence[str]) -> str:
    """Return the name of the array asked for, or of the first known one. Raises UsageError saying what is there."""
    for name in (asked,) if asked is not None else known:
        if name in arrays:
            return name
    wanted = f"'{asked}'" if asked is not None else f"called one of {', '.join(known)}"
    raise UsageError(f"'{path}' has no array {wanted}; its arrays are {name_few(list(arrays))}")


def _as_bytes(what: str, values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return pixels as uint8: whole numbers 0 to 255 as they are, fractions 0 to 1 times 255. Raises FormatError."""
    if values.dtype == np.uint8 or not values.size:
        return values.astype(np.uint8)
    if values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise FormatError(f"{what} holds {values.dtype} with values that are no pixels; numbers were expected")
    least, most = float(values.min()), float(values.max())
    if least < 0 or most > 255:
        raise FormatError(f"{what} reaches from {least:g} to {most:g}; pixels are 0 to 255, or fractions 0 to 1")
    scale = 255 if values.dtype.kind == "f" and most <= 1 else 1
    return np.rint(values.astype(np.float64) * scale).astype(np.uint8)


def read_folder(path: Path, text_columns: Sequence[str] = (), label_column: str | None = None) -> Labelled:
    """Return the images under a folder that has a folder a class; see `read_labelled`."""
    _refuse_text_columns(path, text_columns)
    if label_column is not None:
        raise UsageError(f"'{path}' is a folder: the labels are the names of the folders in it, not --label-column")
    classes = sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    files = [(file, folder.name) for folder in classes for file in sorted(folder.iterdir()) if _is_image(file)]
    if not files:
        raise UsageError(
            f"'{path}' has no images in folders; expected CLASS/IMAGE with a suffix of {', '.join(SUFFIXES)}"
        )
    opened = [_open_image(file) for file, _ in files]
    _check_sizes(path, [file for file, _ in files], opened)
    mode = "L" if all(image.mode in ("1", "L", "I;16") for image in opened) else "RGB"
    pixels = np.stack([np.asarray(image.convert(mode), np.uint8) for image in opened])
    digest = hashlib.sha256()
    for file, name in files:
        digest.update(digest_contents(name.encode(), file.read_bytes()).encode())
    return _join(str(path), pixels, [name for _, name in files], digest.hexdigest(), f"{len(classes)} folders")


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _open_image(path: Path) -> "Image":
    """Return the decoded image. Raises FormatError, MissingExtra."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtra("reading image files needs Pillow; pip install 'multum[learn]'") from error
    try:
        with Image.open(path) as image:
            image.load()
            return image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise FormatError(f"'{path}' cannot be read as an image: {error}") from error


def _check_sizes(folder: Path, files: Sequence[Path], images: "Sequence[Image]") -> None:
    """Raise FormatError unless all images have the size of the first."""
    first = images[0].size
    odd = [(file, image.size) for file, image in zip(files, images, strict=True) if image.size != first]
    if odd:
        shown = ", ".join(f"'{file}' is {width}x{height}" for file, (width, height) in odd[:SHOWN])
        raise FormatError(
            f"images in '{folder}' have several sizes: '{files[0]}' is {first[0]}x{first[1]}, {shown}"
            f" ({len(odd)} differ); resize them to one size"
        )


def _join(source: str, images: NDArray[np.uint8], labels: list[str], digest: str, columns: str) -> Labelled:
    """Return images and labels as one. Raises FormatError when they do not fit each other."""
    if len(images) != len(labels):
        raise FormatError(f"'{source}' has {len(images):,} images and {len(labels):,} labels; one each was expected")
    if not labels:
        raise FormatError(f"'{source}' is empty; images with labels were expected")
    numbers, classes = number_labels(labels)
    return Labelled(_channels_first(source, images), numbers, classes, digest, source, columns)


def _channels_first(source: str, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return uint8[n, channels, height, width] of [n, h, w], [n, h, w, c] or [n, c, h, w]. Raises FormatError."""
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[3] in CHANNELS and images.shape[1] not in CHANNELS:
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    if images.ndim != 4 or images.shape[1] not in CHANNELS or 0 in images.shape:
        raise FormatError(
            f"'{source}' has images of shape {images.shape}; expected (n, height, width), or with 1, 3 or 4 channels"
            " last or second"
        )
    return images


def _refuse_text_columns(path: Path, text_columns: Sequence[str]) -> None:
    if text_columns:
        raise UsageError(f"'{path}' holds images, which have no column {name_few(text_columns)}")
