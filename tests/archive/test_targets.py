"""Files appear whole or not at all, with the source's mode and time."""

import io
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest

import multum
from multum.archive import targets

OLD = b"what was there before"


class BreakingStream(io.RawIOBase):
    """A stream that fails after its first bytes."""

    def __init__(self) -> None:
        """Start with something to read."""
        self._pieces = [b"some bytes"]

    def read(self, size: int = -1) -> bytes:  # noqa: ARG002 - the shape of read
        """Return the first bytes, then raise OSError."""
        if not self._pieces:
            raise OSError(5, "Input/output error")
        return self._pieces.pop()


def breaking_stream() -> BinaryIO:
    return cast(BinaryIO, BreakingStream())


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Return a file to pack, of mode 0640 and a time with nanoseconds."""
    path = tmp_path / "plain"
    path.write_bytes(b"hello\n" * 20)
    path.chmod(0o640)
    os.utime(path, ns=(0, 1_600_000_000_123_456_789))
    return path


def traits(path: Path) -> tuple[int, int]:
    status = path.stat()
    return stat.S_IMODE(status.st_mode), status.st_mtime_ns


def test_mode_and_time_travel_through_the_archive(plain: Path, tmp_path: Path) -> None:
    multum.pack(plain)
    packed = tmp_path / "plain.mtm"
    assert traits(packed) == traits(plain)
    packed.chmod(0o600)
    os.utime(packed, (0, 0))
    multum.unpack(packed, tmp_path / "back")
    assert traits(tmp_path / "back") == traits(plain)


def test_without_metadata_the_archive_file_gives_mode_and_time(plain: Path, tmp_path: Path) -> None:
    multum.pack(plain, metadata=False)
    multum.unpack(tmp_path / "plain.mtm", tmp_path / "back")
    assert traits(tmp_path / "back") == traits(plain)


@pytest.mark.parametrize("time_s", [-2_000_000_000, -1, 7_000_000_000])
def test_any_time_can_be_packed(plain: Path, tmp_path: Path, time_s: int) -> None:
    os.utime(plain, (0, time_s))
    multum.pack(plain)
    (tmp_path / "d").mkdir()
    plain.rename(tmp_path / "d" / "plain")
    os.utime(tmp_path / "d", (0, time_s))
    multum.pack(tmp_path / "d")
    multum.unpack(tmp_path / "d.mtm", tmp_path / "back")
    assert int((tmp_path / "back" / "plain").stat().st_mtime) == time_s


def test_a_stream_makes_a_file_of_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        multum.pack(io.BytesIO(b"x"), tmp_path / "x.mtm")
    finally:
        os.umask(mask)
    assert traits(tmp_path / "x.mtm")[0] == 0o640


def test_the_source_is_kept_unless_its_removal_is_asked_for(plain: Path, tmp_path: Path) -> None:
    multum.pack(plain)
    assert plain.exists()
    multum.unpack(tmp_path / "plain.mtm", tmp_path / "back", remove_source=True)
    assert not (tmp_path / "plain.mtm").exists()
    multum.pack(plain, remove_source=True)
    assert not plain.exists()
    assert multum.unpack(tmp_path / "plain.mtm").raw_bytes == 120


def test_an_existing_target_is_kept(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "plain.mtm").write_bytes(OLD)
    with pytest.raises(multum.UsageError, match=r"plain\.mtm' exists and was kept; overwrite it with -f"):
        multum.pack(plain, remove_source=True)
    assert (tmp_path / "plain.mtm").read_bytes() == OLD
    assert plain.exists()


def test_force_replaces_an_existing_target(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "plain.mtm").write_bytes(OLD)
    multum.pack(plain, force=True)
    assert multum.test(tmp_path / "plain.mtm").raw_bytes == 120


def test_a_target_made_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "target"

    def write() -> None:
        with targets.whole_file(str(target), False, None) as file:
            file.write(b"new")
            target.write_bytes(OLD)

    with pytest.raises(multum.UsageError, match="exists and was kept"):
        write()
    assert target.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [target]


def no_links(source: str, target: str) -> None:
    raise OSError(95, "Operation not supported")


def test_file_systems_without_hard_links_work_too(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", no_links)
    multum.pack(plain)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain", "plain.mtm"]


@pytest.mark.parametrize("force", [False, True])
def test_an_error_leaves_no_file_and_the_old_target(tmp_path: Path, force: bool) -> None:
    target = tmp_path / "target"
    if force:
        target.write_bytes(OLD)
    with pytest.raises(OSError, match="Input/output error"):
        multum.pack(breaking_stream(), target, force=force)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [OLD] * force


def test_a_damaged_archive_leaves_no_file(tmp_path: Path) -> None:
    data = bytearray(multum.pack_bytes(b"hello"))
    data[-10] ^= 1
    with pytest.raises(multum.FormatError, match="checksum"):
        multum.unpack(io.BytesIO(data), tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_file_is_private_and_beside_the_target(tmp_path: Path) -> None:
    with targets.whole_file(str(tmp_path / "target"), False, None) as file:
        (temporary,) = tmp_path.iterdir()
        assert traits(temporary)[0] == 0o600
        file.write(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_unfinished_files_can_be_discarded_at_any_moment(tmp_path: Path) -> None:
    def write() -> None:
        with targets.whole_file(str(tmp_path / "target"), False, None):
            targets.discard_unfinished()
            assert list(tmp_path.iterdir()) == []

    with pytest.raises(FileNotFoundError, match="No such file"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_verify_reads_back_what_was_written(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    multum.pack(plain, verify=True)
    monkeypatch.setattr("multum.archive.packing.decode_stream", lambda *_, **__: iter(()))
    with pytest.raises(multum.MultumError, match="holds other data"):
        multum.pack(plain, verify=True, force=True)


@pytest.mark.parametrize("work", [multum.pack, multum.unpack])
def test_the_source_itself_is_no_target(plain: Path, tmp_path: Path, work: Callable[..., object]) -> None:
    multum.pack(plain)
    for path in (plain, tmp_path / "plain.mtm"):
        before = path.read_bytes()
        with pytest.raises(multum.MultumError, match=r"itself|not a Multum archive"):
            work(path, path, force=True)
        assert path.read_bytes() == before


def test_a_folder_is_no_target_for_a_file(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with pytest.raises(multum.UsageError, match="is a folder; name a file"):
        multum.pack(plain, tmp_path / "d", force=True)


def test_a_device_is_written_to_and_not_replaced(plain: Path) -> None:
    assert multum.pack(plain, "/dev/null").raw_bytes == 120
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left on device"):
        multum.pack(plain, "/dev/full")


def test_targets_of_nameless_sources_must_be_named() -> None:
    with pytest.raises(multum.UsageError, match="the target must be named"):
        multum.pack(io.BytesIO(b""))
    with pytest.raises(multum.UsageError, match="the target must be named"):
        multum.unpack(io.BytesIO(b""))
    with pytest.raises(multum.UsageError, match=r"does not end in \.mtm"):
        multum.unpack("plain")


def test_bytes_as_source_point_to_pack_bytes() -> None:
    with pytest.raises(multum.UsageError, match="use pack_bytes"):
        multum.pack(cast(Path, b"data"), io.BytesIO())


def test_only_files_are_removed(tmp_path: Path) -> None:
    with pytest.raises(multum.UsageError, match="only a single source file can be removed"):
        multum.pack(tmp_path, remove_source=True)
    with pytest.raises(multum.UsageError, match="only when the target is a path"):
        multum.pack(tmp_path, io.BytesIO(), remove_source=True)


def test_a_scratch_folder_is_gone_after_use_and_when_the_process_is_told_to_die() -> None:
    with targets.scratch_folder("test") as folder:
        (Path(folder) / "file").write_bytes(b"x")
    assert not os.path.exists(folder)
    with targets.scratch_folder("test") as folder:
        targets.discard_unfinished()
        assert not os.path.exists(folder)
