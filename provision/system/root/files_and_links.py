"""Writes files, directories and links of the target root. Each appears complete, with owner and mode, or not at all.

A file is written without a name (O_TMPFILE) or under a temporary one, gets owner, mode and label, is synced, and gets
its name in one step. Many files are synced together: one syncfs(2) before they get their names and one after (0.1 s for
2,000 small files; an fsync(2) for each takes seconds). A power cut leaves the old file or the new one.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from provision.planning.arguments import Blob, Bytes
from provision.planning.file_actions import FileAction, MakeDirectory, MakeHardLink, MakeSymlink, RemovePath, WriteFile
from provision.system import libc
from provision.system.root.blob_store import NO_TMPFILE, BlobStore
from provision.system.root.guarded_paths import GuardedTree, parent
from provision.system.root.publishing import drop, open_temporary, publish_file, publish_link

if TYPE_CHECKING:
    from hashlib import _Hash

_AT_ONCE = 200
"""Actions in one batch: each keeps two descriptors open, and the usual limit is 1,024."""

_OPEN_FOLDER = 0o755
"""The mode of directories that are made above a node; the umask does not change it."""

_CHUNK = 1 << 20
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class NodeFailed(Exception):
    """An action on the tree went wrong; `__cause__` says why."""

    def __init__(self, action: FileAction) -> None:
        super().__init__(action.title)
        self.action = action


class _Ready(NamedTuple):
    """A complete file without its name; `temporary` is its name until then, or empty."""

    action: WriteFile
    fd: int
    folder: int
    name: str
    temporary: str


def carry_out(tree: GuardedTree, blob_store: BlobStore, actions: Sequence[FileAction]) -> None:
    """Carry out actions on disjoint paths, in order, and sync them. Raises NodeFailed."""
    for start in range(0, len(actions), _AT_ONCE):
        batch = actions[start : start + _AT_ONCE]
        with _failing_as(batch[-1]):  # for errors of removing temporary names
            _carry_out_batch(tree, blob_store, batch)


def append_digests(tree: GuardedTree, blob_store: BlobStore, action: WriteFile) -> tuple[str, str]:
    """SHA-256 of a file (empty if absent), and of the file with the action's parts appended. Raises OSError."""
    from hashlib import sha256

    digest = sha256()
    before = ""
    with suppress(FileNotFoundError):
        _update(digest, tree.open(action.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
        before = digest.hexdigest()
    for part in action.parts:
        if isinstance(part, Blob):
            _update(digest, blob_store.open(part))
        else:
            digest.update(part.data)
    return before, digest.hexdigest()


def _update(digest: _Hash, fd: int) -> None:
    """Read a file into a digest and close it."""
    with open(fd, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)


def _carry_out_batch(tree: GuardedTree, blob_store: BlobStore, actions: Sequence[FileAction]) -> None:
    with ExitStack() as stack:
        changed: list[int] = []
        ready: list[_Ready] = []
        for action in actions:
            with _failing_as(action):
                folder = _folder_of(tree, action, stack)
                changed += [folder] * (1 + len(_new_parents(action)))
                if isinstance(action, WriteFile) and (action.parts or not action.keep):
                    ready.append(_prepare(tree, blob_store, action, folder, stack))
                else:
                    _make(tree, action, folder)
                if isinstance(action, MakeDirectory):
                    changed.append(stack.enter_context(tree.folder(action.path)))
        with _failing_as(actions[-1]):
            _flush([one.fd for one in ready])
        for one in ready:
            with _failing_as(one.action):
                publish_file(one.folder, one.name, one.fd, one.temporary, exclusive=one.action.exclusive)
        with _failing_as(actions[-1]):
            _flush(changed)


@contextmanager
def _failing_as(action: FileAction) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, OverflowError, MemoryError) as error:  # OverflowError: os.chown(2), id too large
        raise NodeFailed(action) from error


def _new_parents(action: FileAction) -> tuple[str, ...]:
    """The parent directories that are made first; they are synced with the one that the action changes."""
    return () if isinstance(action, RemovePath) else action.parents


def _folder_of(tree: GuardedTree, action: FileAction, stack: ExitStack) -> int:
    """The directory that an action changes, open until the stack is closed; missing parents are made."""
    for path in _new_parents(action):
        _make_parent(tree, path)
    return stack.enter_context(tree.folder(parent(action.path)[0]))


def _make_parent(tree: GuardedTree, path: str) -> None:
    above, name = parent(path)
    with tree.folder(above) as folder:
        _make_directory(folder, name, _OPEN_FOLDER)


def _make_directory(folder: int, name: str, mode: int, owner: tuple[int, int] = (-1, -1)) -> None:
    """Make a directory; set owner and mode if it exists, because an interrupted run may have made it."""
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=folder)
    fd = os.open(name, _FOLDER, dir_fd=folder)
    try:
        os.fchown(fd, *owner)
        os.fchmod(fd, mode)
    finally:
        os.close(fd)


def _prepare(tree: GuardedTree, blob_store: BlobStore, action: WriteFile, folder: int, stack: ExitStack) -> _Ready:
    name = parent(action.path)[1]
    fd, temporary = _whole_blob(blob_store, action, folder) or _empty_file(folder, name)
    stack.callback(os.close, fd)
    if temporary:
        stack.callback(drop, folder, temporary)
    if not os.fstat(fd).st_size:
        _fill(tree, blob_store, action, fd)
    os.fchown(fd, _known(action.uid), _known(action.gid))  # before the mode, because chown removes setuid bits
    os.fchmod(fd, action.mode)
    return _Ready(action, fd, folder, name, temporary)


def _whole_blob(blob_store: BlobStore, action: WriteFile, folder: int) -> tuple[int, str] | None:
    """The file of the blob and its temporary name, if the action writes only this blob; else None."""
    if action.keep or len(action.parts) != 1 or not isinstance(action.parts[0], Blob):
        return None
    fd = blob_store.take(action.parts[0], os.fstat(folder).st_dev)
    return None if fd is None else (fd, "")


def _empty_file(folder: int, name: str) -> tuple[int, str]:
    try:
        return os.open(".", os.O_RDWR | os.O_CLOEXEC | os.O_TMPFILE, 0o600, dir_fd=folder), ""
    except OSError as error:
        if error.errno not in NO_TMPFILE:
            raise
    return open_temporary(folder, name)


def _fill(tree: GuardedTree, blob_store: BlobStore, action: WriteFile, fd: int) -> None:
    if action.keep:
        with suppress(FileNotFoundError):
            old = tree.open(action.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            copy_attributes(old, fd)
            _copy(old, fd)
    for part in action.parts:
        _append(blob_store, part, fd)


def _append(blob_store: BlobStore, part: Bytes, fd: int) -> None:
    if isinstance(part, Blob):
        _copy(blob_store.open(part), fd)
        return
    view = memoryview(part.data)
    while view:
        view = view[os.write(fd, view) :]


def _copy(source: int, fd: int) -> None:
    try:
        while os.sendfile(fd, source, None, _CHUNK):
            pass
    finally:
        os.close(source)


def copy_attributes(source: int, fd: int) -> None:
    """Copy label, capabilities and access list of a file to the one that replaces it; both are descriptors."""
    for name in os.listxattr(source):
        with suppress(OSError):  # not every file system has them
            os.setxattr(fd, name, os.getxattr(source, name))


def _make(tree: GuardedTree, action: FileAction, folder: int) -> None:
    name = parent(action.path)[1]
    if isinstance(action, MakeDirectory):
        _make_directory(folder, name, action.mode, (_known(action.uid), _known(action.gid)))
    elif isinstance(action, WriteFile):
        _change(action, folder, name)
    elif isinstance(action, MakeSymlink):
        publish_link(folder, name, lambda temporary: _symlink(action, folder, temporary), exclusive=action.exclusive)
    elif isinstance(action, MakeHardLink):
        above, target = parent(action.target)
        with tree.folder(above) as source:
            publish_link(
                folder,
                name,
                lambda temporary: _hard_link(source, target, folder, temporary),
                exclusive=action.exclusive,
            )
    else:
        remove(folder, name)


def _change(action: WriteFile, folder: int, name: str) -> None:
    """Set owner and mode of a file; its content and its other names stay."""
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fchown(fd, _known(action.uid), _known(action.gid))  # before the mode, because chown removes setuid bits
        os.fchmod(fd, action.mode)
        os.fsync(fd)
    finally:
        os.close(fd)


def _symlink(action: MakeSymlink, folder: int, name: str) -> None:
    os.symlink(action.target, name, dir_fd=folder)
    os.chown(name, _known(action.uid), _known(action.gid), dir_fd=folder, follow_symlinks=False)


def _hard_link(source: int, target: str, folder: int, name: str) -> None:
    os.link(target, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)


def remove(folder: int, name: str) -> None:
    """Remove a node and everything below it. Raises OSError: EXDEV or EBUSY at a mount point."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        _remove_directory(folder, name)
    except OSError as error:
        # the kernel says so of a read-only file system before it looks whether there is something to remove
        if error.errno != errno.EROFS or _exists(folder, name):
            raise


def _exists(folder: int, name: str) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _remove_directory(folder: int, name: str) -> None:
    """Remove a directory of any depth with one open descriptor. Going up again, it checks that it is where it was."""
    here, names = os.dup(folder), [name]
    above: list[tuple[tuple[int, int], list[str]]] = []
    try:
        while names or above:
            if names:
                above.append((_identity(here), names))
                here = _exchanged(here, _open_same_mount(here, names[-1]))
                names = _remove_files(here)
                continue
            parent_was, names = above.pop()
            here = _exchanged(here, os.open("..", _FOLDER, dir_fd=here))
            if _identity(here) != parent_was:
                raise OSError(errno.ESTALE, "was moved while it was removed", names[-1])
            os.rmdir(names.pop(), dir_fd=here)
    finally:
        os.close(here)


def _remove_files(folder: int) -> list[str]:
    """Remove everything but the directories in a directory; returns the names of these."""
    directories = []
    for name in os.listdir(folder):
        try:
            os.unlink(name, dir_fd=folder)
        except IsADirectoryError:
            directories.append(name)
    return directories


def _exchanged(old: int, new: int) -> int:
    os.close(old)
    return new


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def _open_same_mount(folder: int, name: str) -> int:
    try:
        return libc.openat2(folder, name, _FOLDER, 0, libc.RESOLVE_NO_XDEV)
    except OSError as error:
        if error.errno not in {errno.ENOSYS, errno.EPERM}:
            raise
    fd = os.open(name, _FOLDER, dir_fd=folder)
    if os.fstat(fd).st_dev != os.fstat(folder).st_dev:
        os.close(fd)
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
    return fd


def _flush(descriptors: Iterable[int]) -> None:
    """Sync files or directories: a single one of a file system by fsync, several by syncfs."""
    by_device: dict[int, list[int]] = {}
    for fd in descriptors:
        by_device.setdefault(os.fstat(fd).st_dev, []).append(fd)
    for group in by_device.values():
        if len(group) > 1:
            libc.syncfs(group[0])
        else:
            os.fsync(group[0])


def _known(identity: int | None) -> int:
    if identity is None:
        raise ValueError("its owner has no number yet")
    return identity
