"""A checkpoint is packed as its differences from a base, and unpacked with that base only."""

import io
from pathlib import Path

import pytest

import multum
from tests.archive.checkpoints import model, safetensors
from tests.archive.samples import text
from tests.archive.streams import one_byte_stream

OLD, NEW = safetensors(model()), safetensors(model(step=2**-9))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.safetensors"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def archive(old: Path) -> bytes:
    target = io.BytesIO()
    multum.pack(io.BytesIO(NEW), target, 1, base=old)
    return target.getvalue()


def test_what_changed_little_takes_little(archive: bytes, old: Path) -> None:
    listing = multum.list_archive(io.BytesIO(archive))
    assert [part.method for part in listing.parts].count("difference") == 6
    assert len(archive) < 0.5 * len(multum.pack_bytes(NEW, 1))
    assert multum.unpack_bytes(archive, base=old) == NEW
    back = io.BytesIO()
    multum.unpack(one_byte_stream(archive), back, base=old)
    assert back.getvalue() == NEW
    with multum.open(io.BytesIO(archive), base=old) as file:
        file.seek(20_000)
        assert file.read(3000) == NEW[20_000:23_000]
    assert multum.test(io.BytesIO(archive), base=old).raw_bytes == len(NEW)


def test_the_base_is_named_and_not_held(archive: bytes, old: Path) -> None:
    listing = multum.list_archive(io.BytesIO(archive))
    assert listing.base is not None
    assert (listing.base.name, listing.base.size_bytes) == ("old.safetensors", len(OLD))
    report = multum.pack(io.BytesIO(NEW), io.BytesIO(), 1, base=old)
    assert report.base == listing.base
    assert report.archive_bytes == len(archive)
    assert listing.archive_bytes == listing.program_bytes + listing.coded_bytes + listing.container_bytes


def test_the_bytes_depend_on_the_base_and_not_on_its_folder(archive: bytes, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "old.safetensors").write_bytes(OLD)
    target = io.BytesIO()
    multum.pack(io.BytesIO(NEW), target, 1, 1, base=tmp_path / "other" / "old.safetensors", verify=True)
    assert target.getvalue() == archive


def test_a_folder_is_packed_against_a_base(old: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(NEW)
    multum.pack(folder, tmp_path / "a.mtm", 1, base=old, verify=True)
    assert "difference" in [part.method for part in multum.list_archive(tmp_path / "a.mtm").parts]
    multum.unpack(tmp_path / "a.mtm", tmp_path / "back", base=old)
    assert (tmp_path / "back" / "model.safetensors").read_bytes() == NEW


def test_a_missing_base_is_refused_with_its_digest(archive: bytes) -> None:
    listing = multum.list_archive(io.BytesIO(archive))
    assert listing.base is not None
    wanted = f"made with base 'old.safetensors' of digest {listing.base.digest} and does not hold it"
    for read in (multum.unpack_bytes, lambda data: multum.test(io.BytesIO(data)), lambda d: multum.open(io.BytesIO(d))):
        with pytest.raises(multum.ProgramMismatch, match=wanted):
            read(archive)


def test_another_base_is_refused_with_both_digests(archive: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(NEW)
    with pytest.raises(multum.ProgramMismatch, match=r"of digest [0-9a-f]{64}; '.*other.safetensors' has [0-9a-f]{64}"):
        multum.unpack_bytes(archive, base=other)


def test_a_base_that_is_none_is_refused(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_bytes(text(100))
    with pytest.raises(multum.FormatError, match=r"base '.*words.txt' is no safetensors file: length of the header"):
        multum.pack(io.BytesIO(NEW), io.BytesIO(), base=words)
    with pytest.raises(multum.UsageError, match="is not a file; give the safetensors file"):
        multum.pack(io.BytesIO(NEW), io.BytesIO(), base=tmp_path)


def test_content_without_tensors_goes_with_a_base(old: Path) -> None:
    target = io.BytesIO()
    multum.pack(io.BytesIO(text(100)), target, 1, base=old)
    assert multum.unpack_bytes(target.getvalue(), base=old) == text(100)


def test_a_base_that_changes_while_it_is_used_is_noticed(archive: bytes, old: Path) -> None:
    with multum.open(io.BytesIO(archive), base=old) as file:
        old.write_bytes(OLD[:-30_000])
        with pytest.raises(multum.FormatError, match=r"of a base that has fewer|does not decode to the data"):
            file.read()


def test_every_flip_is_refused(old: Path) -> None:
    target = io.BytesIO()
    small = safetensors({"embedding": model(step=2**-9)["embedding"]})
    multum.pack(io.BytesIO(small), target, 1, base=old)
    archive = target.getvalue()
    for position in [*range(300), *range(300, len(archive), 37)]:
        flipped = bytearray(archive)
        flipped[position] ^= 0x40
        with pytest.raises(multum.MultumError, match=r"."):
            multum.unpack_bytes(bytes(flipped), base=old)


def test_names_may_begin_otherwise(old: Path, tmp_path: Path) -> None:
    longer = safetensors({f"bert.{name}": tensor for name, tensor in model(step=2**-9).items()})
    (tmp_path / "longer.safetensors").write_bytes(longer)
    for data, base in ((longer, old), (NEW, tmp_path / "longer.safetensors")):
        target = io.BytesIO()
        multum.pack(io.BytesIO(data), target, 1, base=base)
        assert len(target.getvalue()) < 0.5 * len(multum.pack_bytes(data, 1))
        assert multum.unpack_bytes(target.getvalue(), base=base) == data


def test_a_name_that_could_be_two_is_neither(tmp_path: Path) -> None:
    twice = {f"{part}.{name}": tensor for part in "ab" for name, tensor in model().items()}
    (tmp_path / "twice.safetensors").write_bytes(safetensors(twice))
    target = io.BytesIO()
    multum.pack(io.BytesIO(NEW), target, 1, base=tmp_path / "twice.safetensors")
    assert "difference" not in [part.method for part in multum.list_archive(io.BytesIO(target.getvalue())).parts]
