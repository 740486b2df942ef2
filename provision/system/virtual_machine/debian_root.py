"""A root of Debian with our initramfs, for virtual machines: made once, and kept in a cache of the user."""

from __future__ import annotations

import fcntl
import os
import platform
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, NamedTuple

import provision
from provision.failures import ActionFailed, Failure, Usage
from provision.system.programs import processes
from provision.system.virtual_machine.needed_programs import require

SCRIPT = Path(__file__).with_name("debian-root.sh")
"""Shell functions, which _run calls."""

SUITE = "trixie"
PACKAGES = (
    *("systemd", "systemd-sysv", "udev", "dbus", "kmod", "passwd", "login", "fdisk", "dracut", "binutils"),
    *("linux-image-cloud-amd64", "e2fsprogs", "xfsprogs", "btrfs-progs", "dosfstools", "mdadm"),
    *("cryptsetup-bin", "systemd-cryptsetup", "python3", "python3-idna", "python3-pyudev"),
    *("python3-urllib3", "ca-certificates", "iproute2", "openssh-server", "less"),
)

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
NEEDED = ("mmdebstrap", "mkfs.ext4", "tar", "unshare")
_AS_USER = ("unshare", "--map-root-user", "--map-auto", "--mount")
"""A user namespace in which files may have any owner (unshare(1), subuid(5))."""


class DebianRoot(NamedTuple):
    """The files of a root: its file system with the label `root`, a kernel, and an initramfs with our modules."""

    folder: Path

    @property
    def image(self) -> Path:
        """The file system, as a raw image."""
        return self.folder / "root.img"

    @property
    def kernel(self) -> Path:
        """The kernel."""
        return self.folder / "vmlinuz"

    @property
    def initramfs(self) -> Path:
        """The initramfs."""
        return self.folder / "initramfs"


def check_names(suite: str, packages: Sequence[str]) -> None:
    """Raises Usage for names that are no release or packages of Debian (deb-control(5))."""
    if not _NAME.fullmatch(suite):
        raise Usage(f"{suite} is no name of a Debian release", hint=f"write it as {SUITE}")
    for name in packages:
        if not _NAME.fullmatch(name):
            raise Usage(f"{name} is no name of a Debian package", hint="give --package once for each package")


def debian_root(suite: str, packages: Sequence[str], report: Callable[[str], None]) -> DebianRoot:
    """The root of a Debian release with PACKAGES and more `packages`, from the cache, or made now.

    `report` is called with a sentence when something begins that takes long. Raises Failure.
    """
    if platform.machine() != "x86_64":
        raise Failure("a Debian root can only be made for x86-64 here", hint="give an image of your own with --base")
    names = ",".join((*PACKAGES, *packages))
    with _locked_cache() as (cache, lock):
        archive, made = _places(cache, suite, names)
        if made.folder.exists():
            return made
        require(NEEDED)
        _check_rights()
        if not archive.exists():
            report(f"fetching the packages of a Debian root ({suite}): a minute or more, only once")
            _remove(cache, ".tar")
            _make_archive(suite, names, archive, lock)
        report("making the root and its initramfs: half a minute, once for each version of provision")
        _make_root(archive, made.folder, lock)
        _remove(cache, "", made.folder.name)
        return made


def programs_that_make(suite: str, packages: Sequence[str]) -> Sequence[str]:
    """The programs that `debian_root` needs for this root; none if the root is in the cache."""
    _archive, made = _places(_cache(), suite, ",".join((*PACKAGES, *packages)))
    return () if made.folder.exists() else NEEDED


def _places(cache: Path, suite: str, names: str) -> tuple[Path, DebianRoot]:
    """The archive with the packages, and the root that is made of it with this version of our programs."""
    archive = cache / f"{_digest(suite, names, packages_recipe())}.tar"
    return archive, DebianRoot(cache / _digest(archive.name, *_engine()))


def packages_recipe() -> str:
    """The part of SCRIPT that chooses and unpacks Debian packages; what it makes is kept under a digest of it."""
    return SCRIPT.read_text().partition("# python_folder")[0]


def _make_archive(suite: str, names: str, archive: Path, lock: int) -> None:
    half_made = archive.with_name(f"{archive.stem}.new.tar")
    _run("fetching the packages", [], ["debian_root", suite, half_made, names], lock)
    half_made.rename(archive)


def _make_root(archive: Path, folder: Path, lock: int) -> None:
    half_made = folder.with_name(f"{folder.name}.new")
    half_made.mkdir(exist_ok=True)
    _run("making the root", _namespaces(), ["root_of_archive", archive, half_made, *_sources()], lock)
    half_made.rename(folder)


def _run(title: str, wrapper: Sequence[str], call: Sequence[str | Path], lock: int) -> None:
    """Call a function of SCRIPT. Its programs keep the lock of the cache until they end, even if this one is killed."""
    shell = ["sh", "-c", '. "$0"; "$@"', SCRIPT, *call]
    done = processes.run([*wrapper, *map(str, shell)], keep=(lock,))
    if done.status != 0:
        raise ActionFailed(title, done.last_lines, hint=hint_for(done.last_lines))


def hint_for(output: str) -> str:
    """What to do about the end of the output of a step that failed."""
    known = next((hint for signs, hint in HINTS if any(sign in output for sign in signs)), "")
    return f"{known}, and run it again" if known else "correct what it says, and run it again"


HINTS = (
    (("No space left on device", "Could not allocate block", "Disk quota exceeded"), "make room on the disk"),
    (
        ("Temporary failure resolving", "Could not resolve", "Could not connect", "Unable to connect", "timed out"),
        "connect this computer to the network (a proxy: http_proxy)",
    ),
    (("Unable to locate package", "has no installation candidate"), "correct the names of the packages"),
    (("dracut: ", "dracut["), "see what dracut could not find: a package may have to be added with --package"),
)
"""Words in the output (of apt-get(8), mke2fs(8), dracut(8) and the C library), and what to do then."""


def _namespaces() -> Sequence[str]:
    return ("unshare", "--mount") if os.geteuid() == 0 else _AS_USER


def _check_rights() -> None:
    """Raises Failure if this user cannot make files of other owners, as a root has."""
    if os.geteuid() == 0:
        return
    require(["newuidmap"])
    done = processes.run([*_AS_USER, "true"])
    if done.status != 0:
        raise Failure(
            f"a Debian root has files of many owners, which this user cannot make: {done.last_lines}",
            hint="run it with sudo, or give the user such ids: usermod --add-subuids 100000-165535 "
            "--add-subgids 100000-165535 USER",
        )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provision" / "try"


@contextmanager
def _locked_cache() -> Iterator[tuple[Path, int]]:
    """The folder of the cache, and the descriptor of its lock: one process at a time makes a root."""
    cache = _cache()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    file: IO[str]
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield cache, file.fileno()


def _remove(cache: Path, suffix: str, keep: str = "") -> None:
    """Remove the files that other versions of this program have left: archives, or folders (suffix "") with roots."""
    from shutil import rmtree

    for path in cache.iterdir():
        if path.is_dir() and not suffix and path.name != keep:
            rmtree(path, ignore_errors=True)
        elif suffix and path.suffix == suffix:
            path.unlink()


def _sources() -> tuple[Path, Path]:
    """The directory with our packages, and the one with the dracut modules: installed, or those of a checkout."""
    package = Path(provision.__file__).parent
    installed = package / "dracut"
    return package.parent, installed if installed.is_dir() else package.parent / "dracut"


def _engine() -> Iterator[str]:
    """Everything of ours that a root has, for a digest of it."""
    packages, dracut = _sources()
    for folder in (packages / "provision", packages / "transpiler", dracut):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield f"{path.relative_to(folder)} {sha256(path.read_bytes()).hexdigest()}"


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:16]
