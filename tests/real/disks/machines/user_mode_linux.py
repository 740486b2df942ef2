"""A guest with the kernel features that this machine's kernel may lack: User-Mode Linux on this machine's own files.

Debian's package user-mode-linux brings md, dm-crypt, vfat and the rest as modules; it needs neither KVM nor an image.
Everything that the guest writes is lost, except its output.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

KERNEL = "linux.uml"
MODULES = Path("/usr/lib/uml/modules")
MEMORY = "2048M"
SCRATCH = 12 << 30
"""Bytes of the disk that takes what the guest writes; it is a sparse file."""

LOADED = (
    *("loop", "dm_mod", "dm_crypt", "md_mod", "linear", "raid0", "raid1", "raid456", "raid10"),
    *("xts", "cbc", "sha512_generic", "algif_skcipher", "algif_hash"),
    *("ext4", "xfs", "btrfs", "vfat", "fuse", "nls_cp437", "nls_ascii", "nls_utf8", "nls_iso8859-1"),
)
"""The kernel modules that tests of disks use; what is built in is not missed."""


class Ended(NamedTuple):
    """How the command ended (None if the guest ended before it) and what it said."""

    status: int | None
    output: str


def lacking() -> str:
    """What this machine lacks to start a guest; empty if nothing."""
    programs = [name for name in (KERNEL, "busybox", "cpio") if shutil.which(name) is None]
    return ", ".join(programs) or ("" if MODULES.is_dir() else str(MODULES))


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: float) -> Ended:
    """Start a guest, run a command in it as root, in this directory, and wait for both."""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    (folder / "command").write_text(f"cd {shlex.quote(str(Path.cwd()))}\n{exports}exec {shlex.join(command)}\n")
    shutil.copy(Path(__file__).with_name("user_mode_linux_start"), folder / "start")
    (folder / "modules").write_text(" ".join(LOADED))
    told = [f"guest={folder}", f"checkout={Path.cwd()}", f"uml_dir={folder}/"]
    console = _boot([f"initrd={_initramfs(folder)}", f"ubd0={_scratch(folder)}", *told], seconds)
    status = folder / "status"
    output = folder / "output"
    said = output.read_text(errors="replace") if output.exists() else console
    return Ended(int(status.read_text()) if status.exists() else None, said)


def _boot(arguments: list[str], seconds: float) -> str:
    """Run the kernel to its end, in a PID namespace of its own: all of its processes end with the first.

    timeout(1) ends it even if this process has been killed.
    """
    quiet = ["quiet", "loglevel=4", "panic=-1", "root=/dev/ram0", "con=null", "con0=null,fd:1", "ssl=null"]
    limit = ["timeout", "--signal=KILL", f"{seconds + 10:g}", "unshare", "--pid", "--fork", "--kill-child"]
    command = [*limit, KERNEL, f"mem={MEMORY}", *quiet, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as kernel:
        try:
            return kernel.communicate(timeout=seconds)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            return f"no end after {seconds:g} s"
        finally:
            if kernel.poll() is None:
                os.killpg(kernel.pid, signal.SIGKILL)


def _scratch(folder: Path) -> Path:
    image = folder / "scratch.img"
    with image.open("wb") as file:
        file.truncate(SCRATCH)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", "^has_journal", str(image)], check=True)
    return image


def _initramfs(folder: Path) -> Path:
    """busybox, the one module that is needed before files can be read, and the script of PID 1."""
    tree = folder / "initramfs"
    for name in ("bin", "modules", "proc", "dev", "host", "layer", "root"):
        (tree / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", tree / "bin/busybox")
    shutil.copy(Path(__file__).with_name("user_mode_linux_init"), tree / "init")
    (tree / "init").chmod(0o755)
    for module in MODULES.glob("*/kernel/fs/overlayfs/overlay.ko"):
        shutil.copy(module, tree / "modules")
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    archive = folder / "initramfs.cpio"
    with archive.open("wb") as file:
        command = ["cpio", "--create", "--format=newc", "--quiet"]
        subprocess.run(command, cwd=tree, input=names.encode(), stdout=file, check=True)
    return archive
