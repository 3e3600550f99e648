"""Images with labels from idx, npz and folders."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from multum.data.labelled import read_labelled
from multum.errors import FormatError, UsageError

Write = Callable[[str, str | bytes], Path]
PIXELS = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
LABELS = np.array([1, 0, 1, 2], np.uint8)


def write_idx(values: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


def write_npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_idx_takes_the_labels_beside_it(write: Write) -> None:
    path = write("train-images-idx3-ubyte", write_idx(PIXELS))
    write("train-labels-idx1-ubyte", write_idx(LABELS))
    found = read_labelled(path)
    assert found.is_image
    np.testing.assert_array_equal(found.inputs, PIXELS[:, None])
    assert [found.classes[label] for label in found.labels] == ["1", "0", "1", "2"]


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (write_idx(PIXELS)[:-1], write_idx(LABELS), "should hold 24 numbers and holds 23"),
        (b"\x89PNG", write_idx(LABELS), "is not an idx file"),
        (b"\0\0\x0d" + write_idx(PIXELS)[3:], write_idx(LABELS), "numbers of kind 13"),
        (write_idx(PIXELS), write_idx(LABELS[:3]), "4 images and 3 labels"),
        (b"\0\0\x08\x03" + b"\xff" * 12, write_idx(LABELS), "should hold 79,228,162,458,924,105,385,300,197,375"),
        (write_idx(PIXELS), write_idx(PIXELS), "labels have one"),
    ],
)
def test_bad_idx_files_are_refused(write: Write, images: bytes, labels: bytes, message: str) -> None:
    path = write("a-images-idx3-ubyte", images)
    write("a-labels-idx1-ubyte", labels)
    with pytest.raises(FormatError, match=message):
        read_labelled(path)


def test_idx_without_labels_says_where_it_looked(write: Write) -> None:
    with pytest.raises(UsageError, match=r"looked for '.*t10k-labels-idx1-ubyte.gz'"):
        read_labelled(write("t10k-images-idx3-ubyte.gz", b""))


@pytest.mark.parametrize(
    ("images", "channels"),
    [(PIXELS, 1), (np.zeros((4, 8, 8, 3), np.uint8), 3), (np.zeros((4, 3, 8, 8), np.uint8), 3)],
)
def test_npz_comes_channels_first(tmp_path: Path, images: np.ndarray, channels: int) -> None:
    found = read_labelled(write_npz(tmp_path / "a.npz", x=images, y=LABELS))
    assert np.asarray(found.inputs).shape[:2] == (4, channels)


def test_fractions_become_bytes(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", x=np.full((2, 2, 2), 0.5), y=np.array(["no", "yes"]))
    found = read_labelled(path)
    assert np.asarray(found.inputs).max() == 128
    assert found.classes == ("no", "yes")


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({"x": PIXELS}, UsageError, "no array called one of y, .*; its arrays are 'x'"),
        ({"x": PIXELS[0], "y": LABELS[:3]}, FormatError, "images of shape"),
        ({"x": PIXELS - 300.0, "y": LABELS}, FormatError, "reaches from -300 to -277"),
        ({"x": np.full((4, 2, 2), np.nan), "y": LABELS}, FormatError, "no pixels"),
        ({"x": np.array([{}], object), "y": LABELS}, FormatError, "not an npz archive of plain arrays"),
        ({"x": PIXELS[:0], "y": LABELS[:0]}, FormatError, "is empty"),
    ],
)
def test_bad_npz_is_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_labelled(write_npz(tmp_path / "a.npz", **arrays))


def test_npz_arrays_are_chosen_by_name(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "a.npz", pictures=PIXELS, kinds=LABELS)
    assert len(read_labelled(path, ["pictures"], "kinds")) == 4


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with two folders of grey images."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for number, name in enumerate(["cat", "dog", "cat"]):
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        image.fromarray(np.full((6, 5), 50 * number, np.uint8)).save(tmp_path / "photos" / name / f"{number}.png")
    (tmp_path / "photos" / "cat" / "notes.txt").write_text("not an image")
    return tmp_path / "photos"


def test_a_folder_a_class_is_read(photos: Path) -> None:
    found = read_labelled(photos)
    assert np.asarray(found.inputs)[:, 0, 0, 0].tolist() == [0, 100, 50]
    assert [found.classes[label] for label in found.labels] == ["cat", "cat", "dog"]


def test_folders_with_bad_images_are_refused(photos: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    image.fromarray(np.zeros((4, 4), np.uint8)).save(photos / "dog" / "small.png")
    with pytest.raises(FormatError, match=r"several sizes: .*0.png' is 5x6, .*small.png' is 4x4 \(1 differ\)"):
        read_labelled(photos)
    (photos / "dog" / "small.png").write_bytes(b"no image")
    with pytest.raises(FormatError, match=r"small.png' cannot be read as an image"):
        read_labelled(photos)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no images in folders; expected CLASS/IMAGE"):
        read_labelled(tmp_path)
