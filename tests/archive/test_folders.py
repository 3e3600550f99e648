"""Folders come back, are packed the same everywhere, and unpack inside their target only."""

import io
import os
import random
import subprocess
import tarfile
from pathlib import Path

import pytest

import multum
from multum.archive.folders import link_stays_inside
from tests.hostile.forge import whole


def fill(folder: Path, order: int = 0) -> None:
    """Make a tree with everything an archive can hold; `order` shuffles the making."""
    files = {"b.txt": b"beta", "a.txt": b"alpha", "empty": b"", "sub/deep/c": b"gamma" * 300, "ä ö": b"umlaut"}
    names = list(files)
    random.Random(order).shuffle(names)
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
        os.utime(path, (0, 1_600_000_000))
    (folder / "sub" / "link").symlink_to("../a.txt")
    (folder / "run").write_bytes(b"#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "hollow").mkdir()
    for path in [folder / "run", folder / "hollow", folder / "sub" / "deep", folder / "sub", folder]:
        os.utime(path, (0, 1_500_000_000))
    os.utime(folder / "sub" / "link", (0, 1_500_000_000), follow_symlinks=False)
    os.utime(folder / "sub", (0, 1_500_000_000))


def tree(folder: Path) -> dict[str, tuple[int, int, bytes | str]]:
    """Return mode, whole seconds and content of everything below `folder`."""
    found: dict[str, tuple[int, int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content: bytes | str = b""
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = path.read_bytes()
        seconds = 0 if path.is_symlink() else int(status.st_mtime)
        found[str(path.relative_to(folder))] = (status.st_mode, seconds, content)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a bit of everything."""
    path = tmp_path / "folder"
    path.mkdir()
    fill(path)
    return path


def test_a_folder_comes_back(folder: Path, tmp_path: Path) -> None:
    report = multum.pack(folder, level=1)
    assert report.target == f"{folder}.mtm"
    assert report.skipped == ()
    unpacked = multum.unpack(f"{folder}.mtm", tmp_path / "back")
    assert unpacked.kind == "folder"
    assert tree(tmp_path / "back") == tree(folder)
    assert int((tmp_path / "back").stat().st_mtime) == 1_500_000_000


def test_bytes_do_not_depend_on_path_or_order_on_disk(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "folder"
    other.mkdir(parents=True)
    fill(other, order=5)
    made = [io.BytesIO(), io.BytesIO()]
    multum.pack(folder, made[0], 1)
    multum.pack(f"{other}/", made[1], 1, 2)
    assert made[0].getvalue() == made[1].getvalue()


def test_the_content_is_a_tar_stream(folder: Path) -> None:
    multum.pack(folder, level=1)
    with multum.open(f"{folder}.mtm") as file, tarfile.open(fileobj=file) as tar:
        members = tar.getmembers()
    names = [one.name for one in members]
    assert names == ["a.txt", "b.txt", "empty", "hollow", "run", "sub", "sub/deep", "sub/deep/c", "sub/link", "ä ö"]
    assert {(one.uid, one.gid, one.uname, one.gname) for one in members} == {(0, 0, "", "")}


def test_several_inputs_make_one_archive(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "z.txt").write_bytes(b"zeta")
    multum.pack([folder, tmp_path / "z.txt"], tmp_path / "all.mtm", 1)
    assert multum.list_archive(tmp_path / "all.mtm").name is None
    multum.unpack(tmp_path / "all.mtm")
    assert tree(tmp_path / "all" / "folder") == tree(folder)
    assert (tmp_path / "all" / "z.txt").read_bytes() == b"zeta"


def test_inputs_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("x/a", "y/a"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(multum.UsageError, match="two inputs are named 'a'"):
        multum.pack([tmp_path / "x/a", tmp_path / "y/a"], tmp_path / "o.mtm")
    assert not (tmp_path / "o.mtm").exists()


def test_an_empty_folder_comes_back(tmp_path: Path) -> None:
    (tmp_path / "e").mkdir()
    multum.pack(tmp_path / "e", level=1)
    multum.unpack(tmp_path / "e.mtm", tmp_path / "back")
    assert list((tmp_path / "back").iterdir()) == []


def test_names_that_are_not_utf8_come_back(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/d/\xff\xfe")).write_bytes(b"x")
    multum.pack(tmp_path / "d", level=1)
    multum.unpack(tmp_path / "d.mtm", tmp_path / "back")
    assert os.listdir(os.fsencode(tmp_path / "back")) == [b"\xff\xfe"]


def test_what_no_reader_would_make_is_left_out_and_named(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "outside").symlink_to("/etc/passwd")
    (folder / "sub" / "up").symlink_to("../../x")
    report = multum.pack(folder, level=1)
    assert report.skipped == (f"{folder}/outside", f"{folder}/pipe", f"{folder}/sub/up")


def test_hard_links_become_files(folder: Path, tmp_path: Path) -> None:
    os.link(folder / "a.txt", folder / "same.txt")
    multum.pack(folder, level=1)
    multum.unpack(f"{folder}.mtm", tmp_path / "back")
    assert (tmp_path / "back" / "same.txt").read_bytes() == b"alpha"


def test_a_target_inside_the_folder_is_refused(folder: Path) -> None:
    with pytest.raises(multum.UsageError, match="lies inside the folder"):
        multum.pack(folder, folder / "x.mtm")


def test_an_existing_folder_is_kept_unless_forced(folder: Path, tmp_path: Path) -> None:
    multum.pack(folder, level=1)
    back = tmp_path / "back"
    (back / "sub").mkdir(parents=True)
    (back / "sub" / "mine").write_bytes(b"mine")
    (back / "a.txt").write_bytes(b"old")
    with pytest.raises(multum.UsageError, match="unpack into it with -f"):
        multum.unpack(f"{folder}.mtm", back)
    assert (back / "a.txt").read_bytes() == b"old"
    multum.unpack(f"{folder}.mtm", back, force=True)
    assert (back / "a.txt").read_bytes() == b"alpha"
    assert (back / "sub" / "mine").read_bytes() == b"mine"
    assert (back / "sub" / "deep" / "c").exists()


def test_unpacking_into_a_folder_follows_no_link_there(folder: Path, tmp_path: Path) -> None:
    multum.pack(folder, level=1)
    outside, back = tmp_path / "outside", tmp_path / "back"
    outside.mkdir()
    back.mkdir()
    (back / "sub").symlink_to(outside)
    with pytest.raises(multum.UsageError, match="is a folder on one side and a file on the other"):
        multum.unpack(f"{folder}.mtm", back, force=True)
    assert list(outside.iterdir()) == []
    assert [path.name for path in back.iterdir()] == ["sub"]


def test_an_unsafe_member_leaves_nothing_at_all(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in ("fine", "../evil"):
            tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(multum.FormatError, match="does not stay inside"):
        multum.unpack(io.BytesIO(whole(stream.getvalue(), tar=True)), inner / "target")
    assert list(inner.iterdir()) == []
    assert list(tmp_path.iterdir()) == [inner]


def test_pythons_without_the_safe_filter_are_told_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    multum.pack(folder, level=1)
    monkeypatch.delattr(tarfile, "data_filter")
    with pytest.raises(multum.MissingExtra, match=r"use Python 3\.11\.4 or later"):
        multum.unpack(f"{folder}.mtm", tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize(
    ("name", "link", "inside"),
    [
        ("a", "b", True),
        ("d/a", "../b", True),
        ("d/a", "./x/y", True),
        ("a", "..", False),
        ("a", "../a", False),
        ("a", "/a", False),
        ("a", "", False),
        ("d/a", "../../b", False),
        ("d/a", "x/../y", False),
    ],
)
def test_links_that_may_lead_outside_are_known(name: str, link: str, inside: bool) -> None:
    assert link_stays_inside(name, link) is inside


def test_folders_deeper_than_the_stack_are_packed(tmp_path: Path) -> None:
    path = "d/" * 1200
    here = os.open(tmp_path, os.O_RDONLY)
    folder = os.dup(here)
    for part in path.split("/")[:-1]:
        os.mkdir(part, dir_fd=folder)
        inner = os.open(part, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    os.close(here)
    assert multum.pack(tmp_path / "d", io.BytesIO(), 1).skipped == ()
    subprocess.run(["rm", "-r", str(tmp_path / "d")], check=True)  # pytest's own cleaning recurses
