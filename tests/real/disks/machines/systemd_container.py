"""A container with a systemd and a udevd, in namespaces of the running kernel, over this machine's own files.

It starts in half a second. Only what is written to the folder is kept. Block devices are those of the machine.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

FOLDER = Path("/run/container-test")
"""Where the command finds the folder."""

SYSTEMD = Path("/lib/systemd/systemd")
MOUNTS = ("--mount", "--propagation", "unchanged")
NAMESPACES = (*MOUNTS, "--cgroup", "--pid", "--ipc", "--uts", "--net")

_IN_A_GROUP = """
set -eu
mount --make-rprivate / 2>/dev/null || : # fails in a chroot, where / is no mount point
mkdir "$1/groups"
mount -t cgroup2 cgroup2 "$1/groups"
group=$1/groups/node.$$
mkdir "$group"
(echo 0 >"$group/cgroup.procs"; shift; exec "$@") && status=0 || status=$?
while grep -q "populated 1" "$group/cgroup.events"; do sleep 0.01; done
find "$group" -depth -type d -exec rmdir {} +
exit $status
"""
"""systemd has to be given a group of its own, in which it makes others; they go when all that ran in them has ended."""


def lacking() -> str:
    """What this machine lacks to start a container; empty if nothing."""
    programs = [name for name in ("unshare", "ip", "losetup", "udevadm") if shutil.which(name) is None]
    return ", ".join(programs) or ("" if SYSTEMD.exists() else str(SYSTEMD))


def run(command: Sequence[str], folder: Path, seconds: float) -> int:
    """Run a command as root in this directory, print its output as it comes, and return its status."""
    (folder / "command").write_text(f"cd {shlex.quote(str(Path.cwd()))}\nexec {shlex.join(command)}\n")
    output = folder / "output"
    output.touch()
    with output.open() as said, (folder / "console").open("wb") as console:
        node = subprocess.Popen(
            _start(folder, seconds), stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
        )
        try:
            while node.poll() is None:
                time.sleep(0.1)
                _show(said)
        finally:
            if node.returncode is None:
                os.killpg(node.pid, signal.SIGKILL)
        _show(said)
        return node.wait()


def _start(folder: Path, seconds: float) -> list[str]:
    """The command line of the nested namespaces. timeout(1) ends the inner ones, so that the outer one can clean up."""
    init = ["sh", str(Path(__file__).with_name("systemd_container_init")), str(folder)]
    inside = ["timeout", "--signal=KILL", f"{seconds:g}", "unshare", *NAMESPACES, "--fork", "--kill-child", *init]
    return ["unshare", *MOUNTS, "sh", "-c", _IN_A_GROUP, "sh", str(folder), *inside]


def _show(said: TextIO) -> None:
    sys.stdout.write(said.read())
    sys.stdout.flush()
