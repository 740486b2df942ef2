"""What provisioning costs a boot: `make bench-boot` (as root; half an hour).

The same root is booted with several initramfs: without anything of ours, with our modules (a first boot, a later one,
and a later one that finds the record), with the first-boot archive beside the one without, and with Debian's Ignition
and its network. The boots without anything of ours are the later boots of the first-boot archive too. Each ends where
it would go on in the real root. Emulated where there is no KVM; then the clock of the guest counts instructions, and
does not depend on what else the machine does.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import NamedTuple

from provision.system.virtual_machine.debian_root import DebianRoot
from provision.system.virtual_machine.kvm import kvm_problem
from tests.real.boot.machine import HOUSE, Machine, build, cpio
from tests.real.boot.workload import config

COUNTED = ("-icount", "shift=1")
LIMIT = 3600

GOAL = 0.5
"""What we want to add at most, as a part of what Ignition adds."""

LATER_GOAL = 0.1
"""Seconds that we want to add at most to a later boot."""

BYTES_LIMIT = 0.6
BYTES_LIMIT_WITHOUT_CLEVIS = 0.5
TIME_LIMIT = 0.85
ARCHIVE_LIMIT = 1.05
LATER_LIMIT = 0.35
AUTO_LIMIT = 1.0
"""What is reached, with some room: parts of what Ignition adds, and seconds of a later boot. More fails.

The archive is packed, so its first boot unpacks it. The goal for the time cannot be reached: what is not ours, such as
loading the driver of xfs, is more (decision 7).
"""

FIRST = "ignition.firstboot"
AUTO = "provision.firstboot=auto"

END = cpio(
    {
        "usr/lib/systemd/system/initrd-switch-root.service.d/bench.conf": """\
[Service]
ExecStart=
ExecStart=sh -c 'read cpu user nice system idle wait irq softirq rest </proc/stat; \\
    echo "worked for $$((user + nice + system + irq + softirq)) hundredths" >/dev/ttyS0; poweroff -ff'
"""
    }
)
"""In the place of the switch to the real root, shows for how long the processor has worked (proc(5)), and powers off.

While the guest waits for a disk, its clock is that of this machine, so the time of waiting says nothing.
"""


NO_SELINUX = cpio(
    {
        "usr/lib/systemd/system/ignition-mount.service.d/bench.conf": """\
[Service]
ExecStartPre=sh -c 'cd /sysroot/etc && mkdir -p selinux/none/contexts/files && echo SELINUXTYPE=none >selinux/config \\
    && : >selinux/none/contexts/files/file_contexts'
"""
    },
    {"usr/sbin/setfiles": "../bin/true"},
)
"""Debian's Ignition labels what it writes and fails where that is not possible, but Debian has no SELinux."""


COMPARED = {
    "with clevis": (("initramfs", "ignition"), BYTES_LIMIT),
    "without clevis": (("without-clevis", "ignition-without-clevis"), BYTES_LIMIT_WITHOUT_CLEVIS),
}
"""Which initramfs of ours is compared with which one of Ignition, and the limit of what ours adds."""


class Row(NamedTuple):
    """A boot: initramfs of the wide build, kernel arguments, further archives, and which boot of its machine it is."""

    name: str
    initramfs: str
    arguments: str = ""
    archive: bool = False
    more: bytes = b""
    number: int = 1


WITHOUT = Row("without", "bare")
OURS_LATER = Row("ours, later boot", "initramfs")
OURS_AUTO = Row("ours, later boot that finds the record", "initramfs", AUTO, number=2)
OURS = Row("ours, first boot", "initramfs", FIRST)
ARCHIVE = Row("ours in the archive, first boot", "bare", FIRST, archive=True)
IGNITION_LATER = Row("Ignition, later boot", "ignition")
IGNITION = Row("Ignition, first boot", "ignition", FIRST, more=NO_SELINUX)


def main() -> None:
    """Print the times of each boot, the sizes of its initramfs, and what each adds, beside the goals."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        argv = [sys.executable, "-m", "build", "--wheel", "--outdir", directory]
        subprocess.run(argv, cwd=HOUSE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        images = build(next(folder.glob("*.whl")), folder, "wide")
        wanted = config("data:,payload")
        wanted["ignition"]["version"] = "3.3.0"  # the newest that Debian's Ignition knows
        del wanted["storage"]["files"][-1]  # it has the hash of other bytes
        (folder / "config.ign").write_text(json.dumps(wanted))
        if worse := list(measured(images)):
            sys.exit(f"worse than it was: {', '.join(worse)}")


def measured(images: DebianRoot) -> Iterator[str]:
    """Boot every row with the images of a folder that has config.ign too, and print what was measured.

    Yields what is above its limit.
    """
    folder = images.folder
    sizes = {name: _sizes(folder / name) for name in ("bare", *(one for pair, _ in COMPARED.values() for one in pair))}
    for name, size in sizes.items():
        print(f"{name}: {size[0] / 1e6:.1f} MB raw, {size[1] / 1e6:.1f} MB zstd -19")
    print(f"archive: {(folder / 'archive').stat().st_size / 1e6:.1f} MB", flush=True)
    for what, (pair, limit) in COMPARED.items():
        for number, unit in enumerate(("raw", "zstd -19")):
            ours, theirs = (sizes[name][number] - sizes["bare"][number] for name in pair)
            yield from _compared(f"bytes added, {what}, {unit}", ours / 1e6, theirs / 1e6, "MB", limit)
    times: dict[Row, float] = {}
    for row in (WITHOUT, OURS, ARCHIVE, OURS_LATER, OURS_AUTO, IGNITION_LATER, IGNITION):
        times[row] = _seconds(images, row)
        print(f"{row.name}: {times[row]:.2f} s of work until the switch to the real root", flush=True)
    for mine, limit in ((OURS, TIME_LIMIT), (ARCHIVE, ARCHIVE_LIMIT)):
        adds, ignition_adds = (times[row] - times[WITHOUT] for row in (mine, IGNITION))
        yield from _compared(f"{mine.name}: adds", adds, ignition_adds, "s", limit)
    print(f"a later boot with the archive is the boot without; the goal for the others: at most {LATER_GOAL} s more")
    for row, limit in ((OURS_LATER, LATER_LIMIT), (OURS_AUTO, AUTO_LIMIT), (IGNITION_LATER, inf)):
        print(f"{row.name}: adds {times[row] - times[WITHOUT]:.2f} s")
        if times[row] - times[WITHOUT] > limit:
            yield row.name


def _seconds(images: DebianRoot, row: Row) -> float:
    """Seconds in which the guest's processor worked, from the start of the kernel to the switch to the real root."""
    archive = (images.folder / "archive").read_bytes() if row.archive else b""
    with tempfile.TemporaryDirectory() as place:
        machine = Machine(images, Path(place) / "machine")
        for _ in range(row.number):
            boot = machine.boot(
                row.arguments,
                images.folder / "config.ign",
                initramfs=images.folder / row.initramfs,
                overlay=END + row.more + archive,
                devices=COUNTED if kvm_problem() else (),
                limit=LIMIT,
            )
    shown = re.search(r"worked for ([0-9]+) hundredths", boot.console)
    assert shown, f"{row.name}: the boot did not come to its end:\n{boot.console[-4000:]}"
    return int(shown[1]) / 100


def _compared(name: str, ours: float, theirs: float, unit: str, limit: float) -> Iterator[str]:
    ratio = ours / theirs
    print(f"{name}: {ours:.2f} {unit}, Ignition {theirs:.2f} {unit}: {ratio:.2f} (goal: at most {GOAL})", flush=True)
    if ratio > limit:
        yield name


def _sizes(file: Path) -> tuple[int, int]:
    """The sizes of a file in bytes, raw and compressed."""
    packed = subprocess.run(["zstd", "-19", "-T0", "-q", "-c", file], stdout=subprocess.PIPE, check=True).stdout
    return file.stat().st_size, len(packed)


if __name__ == "__main__":
    main()
