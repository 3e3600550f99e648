"""Files and folders that appear whole or not at all.

A target is written under a temporary name beside it and renamed when it is
complete and synced, so that neither an error nor a power cut leaves half a
file under the name that was asked for.
"""

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from multum.errors import UsageError

# What is being written now, for `discard_unfinished` when the process is told to die.
_unfinished: set[str] = set()


@dataclass(frozen=True)
class Traits:
    """What a target inherits. mode: permission bits. owner: (user, group), or None for ours."""

    mode: int
    mtime_ns: int
    owner: tuple[int, int] | None = None


def traits_of(status: os.stat_result) -> Traits:
    """Return the traits of a file from its status."""
    return Traits(status.st_mode & 0o777, status.st_mtime_ns, (status.st_uid, status.st_gid))


def discard_unfinished() -> None:
    """Remove every temporary file and folder of this process. Never raises."""
    while _unfinished:
        path = _unfinished.pop()
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(path)


def check_free(target: str, force: bool) -> None:
    """Raise UsageError when `target` exists and may not be replaced by a file."""
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise UsageError(f"target '{target}' is a folder; name a file")
    if (stat.S_ISREG(mode) or stat.S_ISLNK(mode)) and not force:
        raise UsageError(
            f"target '{target}' exists and was kept; overwrite it with -f (force=True) or choose another name with -o"
        )


def _is_device(target: str) -> bool:
    """Return whether `target` is a device or pipe, which is written to and not replaced."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _temporary_name(target: str) -> str:
    """Return a new name beside `target`, noted as unfinished before anything exists under it."""
    folder = os.path.dirname(os.path.abspath(target))
    path = os.path.join(folder, f".multum-{secrets.token_hex(8)}.tmp")
    _unfinished.add(path)
    return path


@contextlib.contextmanager
def whole_file(target: str, force: bool, traits: Traits | None) -> Iterator[BinaryIO]:
    """Give a file to write that becomes `target` when the body ends without an error.

    It is readable too, for verification. traits: inherited mode, time and
    owner, or None for those of a new file. On an error nothing is left behind
    and an existing target is as it was.
    Raises UsageError when the target exists and `force` is false, OSError.
    """
    check_free(target, force)
    if _is_device(target):
        with open(target, "wb") as file:
            yield file
        return
    temporary = _temporary_name(target)
    try:
        descriptor = _create(temporary, target)
        with open(descriptor, "w+b") as file:
            yield file
            file.flush()
            _set_traits(descriptor, traits)
            os.fsync(descriptor)
        _put_in_place(temporary, target, force)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        _unfinished.discard(temporary)


def _create(temporary: str, target: str) -> int:
    """Return the descriptor of a new private file. Raises OSError that names the target."""
    try:
        return os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OSError(error.errno, error.strerror, target) from error


def _set_traits(descriptor: int, traits: Traits | None) -> None:
    """Give an open file its mode, time and owner, or the mode of a new file."""
    if traits is None:
        os.fchmod(descriptor, 0o666 & ~_umask())
        return
    mode = traits.mode
    if traits.owner is not None and traits.owner != (os.geteuid(), os.getegid()):
        try:
            os.fchown(descriptor, *traits.owner)
        except OSError:
            # The group is now ours, not the source's: do not hand it the source's group rights.
            mode &= ~0o070
    os.fchmod(descriptor, mode)
    os.utime(descriptor, ns=(traits.mtime_ns, traits.mtime_ns))


def _umask() -> int:
    """Return the process's umask; POSIX has no way to read it without setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _put_in_place(temporary: str, target: str, force: bool) -> None:
    """Rename to the final name and sync the folder; without `force` never over anything."""
    if force:
        os.replace(temporary, target)
    else:
        _rename_to_free(temporary, target)
    sync_folder(os.path.dirname(os.path.abspath(target)))


def _rename_to_free(temporary: str, target: str) -> None:
    """Rename unless `target` came into being meanwhile. Raises UsageError then."""
    try:
        os.link(temporary, target)  # unlike rename, this fails when the name is taken
    except FileExistsError:
        check_free(target, force=False)
        raise
    except OSError:
        # A file system without hard links: the check just before is the best there is.
        check_free(target, force=False)
        os.rename(temporary, target)


def sync_folder(folder: str) -> None:
    """Make the names in `folder` durable, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def whole_folder(target: str, force: bool, traits: Traits | None) -> Iterator[str]:
    """Give an empty folder that becomes `target` when the body ends without an error.

    Where `target` exists already it is refused, or with `force` merged into:
    files of the same name are replaced, others stay.
    Raises UsageError, OSError; then nothing in `target` has changed, except
    when an OSError stops a merge half-way.
    """
    if os.path.lexists(target) and not force:
        raise UsageError(
            f"target '{target}' exists and was kept; unpack into it with -f (force=True) or choose another name with -o"
        )
    if os.path.lexists(target) and not os.path.isdir(target):
        raise UsageError(f"target '{target}' is a file; this archive holds a folder")
    temporary = _temporary_name(target)
    try:
        _create_folder(temporary, target)
        yield temporary
        os.chmod(temporary, traits.mode if traits else 0o777 & ~_umask())
        if os.path.isdir(target):
            _check_merge(temporary, target)
            _merge(temporary, target)
        else:
            os.rename(temporary, target)
        if traits is not None:
            os.utime(target, ns=(traits.mtime_ns, traits.mtime_ns))
        sync_folder(os.path.dirname(os.path.abspath(target)))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _unfinished.discard(temporary)


@contextlib.contextmanager
def scratch_folder(purpose: str) -> Iterator[str]:
    """Give a new private folder that is gone when the body ends, or the process is told to die. Raises OSError."""
    folder = tempfile.mkdtemp(prefix=f"multum-{purpose}-")
    _unfinished.add(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _unfinished.discard(folder)


def _create_folder(temporary: str, target: str) -> None:
    """Make a new private folder. Raises OSError that names the target."""
    try:
        os.mkdir(temporary, 0o700)
    except OSError as error:
        raise OSError(error.errno, error.strerror, target) from error


def _is_real_folder(path: str) -> bool:
    """Return whether `path` is a folder itself, not a link to one."""
    return os.path.isdir(path) and not os.path.islink(path)


def _check_merge(source: str, target: str) -> None:
    """Raise UsageError when a folder would have to be replaced by a file or the other way."""
    for entry in list(os.scandir(source)):
        there = os.path.join(target, entry.name)
        if not os.path.lexists(there):
            continue
        if entry.is_dir(follow_symlinks=False) != _is_real_folder(there):
            raise UsageError(f"'{there}' is a folder on one side and a file on the other")
        if entry.is_dir(follow_symlinks=False):
            _check_merge(entry.path, there)


def _merge(source: str, target: str) -> None:
    """Move everything in `source` into `target`, file by file; links are never followed."""
    for entry in list(os.scandir(source)):
        there = os.path.join(target, entry.name)
        if entry.is_dir(follow_symlinks=False) and _is_real_folder(there):
            _merge(entry.path, there)
        else:
            os.replace(entry.path, there)
