"""A virtual machine for tests: images built once, an overlay for each machine, booted by qemu; a probe reports."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from provision.system.virtual_machine import options
from provision.system.virtual_machine.debian_root import DebianRoot, packages_recipe
from provision.system.virtual_machine.kvm import kvm_problem

HERE = Path(__file__).parent
HOUSE = HERE.parents[2]
LIMIT = 900
"""Seconds in which a boot has to end. Emulated, it takes half a minute where nothing else runs, five on a busy host."""

MEMORY = 1536
"""MiB that a machine has if a test does not say otherwise."""

COMMAND_LINE = f"console=hvc0 {options.COMMAND_LINE} loglevel=4 systemd.show_status=no rd.shell=0 rd.emergency=poweroff"


UUID = "4c4c4544-0042-3510-8053-b4c04f4d5331"


class Boot(NamedTuple):
    """The result of a boot: the probe's report (None if the probe did not run), two consoles, seconds of wall time.

    The second console is of another kind, because the kernel has one of each kind; it works once its driver is loaded.
    """

    report: dict[str, Any] | None
    console: str
    second_console: str
    seconds: float

    @property
    def reported(self) -> dict[str, Any]:
        """The report; fails the test if there is none."""
        assert self.report is not None, f"the machine did not come up:\n{self.console[-4000:]}"
        return self.report

    def __str__(self) -> str:
        """Seconds to the real root, and to the probe or to the end, on the guest's clock."""
        on_the_host = f"({self.seconds:.1f} s on the host)"
        if self.report is None:
            return f"{self.ended:.1f} s to the end without a real root {on_the_host}"
        all_of_it = f"{self.report['uptime']:.1f} s in all {on_the_host}"
        return all_of_it if self.switched is None else f"{self.switched:.1f} s to switch-root, {all_of_it}"

    @property
    def ended(self) -> float:
        """Seconds to the power-off or the reboot, as the kernel shows them; not a number if it does not."""
        shown = re.findall(r"\[ *([0-9.]+)\] reboot: ", self.console)
        return float(shown[-1]) if shown else float("nan")

    @property
    def switched(self) -> float | None:
        """Seconds to the switch to the real root; None if the initramfs has no journal that tells."""
        return next((one["time"] for one in self.reported["journal"] if one["message"] == "Switching root."), None)


class RunningBoot(NamedTuple):
    """A machine that runs: its qemu, and the file with what its console shows."""

    process: subprocess.Popen[bytes]
    console: Path

    def wait_for(self, text: str) -> str:
        """Wait until the console shows a text; returns all that it shows. The test fails if the machine ends before."""
        end = time.monotonic() + LIMIT
        while text not in (shown := self.shown()):
            assert self.process.poll() is None, f"it ended before it showed {text!r}:\n{shown[-4000:]}"
            assert time.monotonic() < end, f"it does not show {text!r}:\n{shown[-4000:]}"
            time.sleep(0.05)
        return shown

    def shown(self) -> str:
        """What the console shows."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""


def build(wheel: Path, folder: Path, kind: str = "plain", script: Path = HERE / "build.sh") -> DebianRoot:
    """A root with our wheel and an initramfs made in it. The root without them is kept between runs.

    `kind` is `plain`; `wide` for a root with NetworkManager, RAID and Debian's Ignition, and several initramfs; or
    `next` for the next release of Debian. Another `script` builds other kinds.
    """
    base = _cache() / f"{kind}-{_digest(script)}.img"
    with base.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be about to build it
        if not base.exists():
            _run_build(script, "base", kind, str(base))
    images = DebianRoot(folder)
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", base, images.image], check=True)
    _run_build(script, "machine", kind, str(images.image), str(wheel), str(folder))
    return images


class Machine:
    """A machine with two disks that stay over its boots: the root, and a blank one for data."""

    def __init__(self, images: DebianRoot, folder: Path) -> None:
        self._images = images
        self._folder = folder
        self.boots: list[Boot] = []
        folder.mkdir()
        self.root = folder / "root.qcow2"
        self.data = folder / "data.img"
        backing = ["-F", "raw", "-b", str(images.image)]
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(self.root)], check=True)
        with self.data.open("wb") as file:
            file.truncate(1 << 30)

    def boot(
        self,
        arguments: str,
        config: Path,
        *,
        initramfs: Path | None = None,
        overlay: bytes = b"",
        uuid: str = UUID,
        devices: Sequence[str] = (),
        memory: int = MEMORY,
        limit: float = LIMIT,
    ) -> Boot:
        """Boot to the end: the guest powers itself off. `overlay` is a further archive laid over the initramfs.

        `uuid` is the machine's id in the firmware; another id means another machine with the same disks. `devices` are
        further options of qemu; the machine has `memory` MiB.
        """
        kernel = self._kernel(initramfs or self._images.initramfs, overlay)
        more = [*kernel, "-append", f"{COMMAND_LINE} {arguments}", "-uuid", uuid, "-m", str(memory), *devices]
        return self._run(more, config, limit)

    @contextmanager
    def running(
        self,
        arguments: str,
        config: Path,
        *,
        initramfs: Path | None = None,
        overlay: bytes = b"",
        network: str = "",
        devices: Sequence[str] = (),
    ) -> Iterator[RunningBoot]:
        """Boot, and go on while the machine runs; at the end its power is cut.

        What the guest has not flushed may be lost then. `network` are further properties of the network of qemu, and
        `devices` are its further options.
        """
        kernel = self._kernel(initramfs or self._images.initramfs, overlay)
        consoles = self._folder / "console", self._folder / "second-console"
        argv = self._qemu(config, consoles, self._folder / "report")
        argv = [one.replace("cache=unsafe", "cache=writeback").replace("user,", f"user,{network}") for one in argv]
        for console in consoles:
            console.unlink(missing_ok=True)
        # the kernel ends it with the test
        watched = ["setpriv", "--pdeathsig", "KILL", "--", *argv, *kernel, *devices]
        with subprocess.Popen([*watched, "-append", f"{COMMAND_LINE} {arguments}", "-uuid", UUID]) as process:
            try:
                yield RunningBoot(process, consoles[0])
            finally:
                process.kill()

    def _kernel(self, initramfs: Path, overlay: bytes) -> list[str]:
        initrd = self._folder / "initrd"
        shutil.copyfile(initramfs, initrd)
        with initrd.open("ab") as file:
            file.write(overlay)
        return ["-kernel", str(self._images.kernel), "-initrd", str(initrd)]

    def boot_from_disk(self, disk: Path, config: Path, *, devices: Sequence[str] = ()) -> Boot:
        """Boot with the BIOS from a disk, until the guest powers itself off or reboots.

        A reboot gets a new process: without KVM, qemu 7.2 is slow where code has been before (see `kvm.EMULATED`).
        """
        drive = ["-drive", f"if=none,id=boot,file={disk},format=raw,cache=unsafe"]
        attached = ["-device", "virtio-blk-pci,drive=boot,serial=boot,bootindex=0"]
        return self._run([*drive, *attached, "-uuid", UUID, *devices], config)

    def _run(self, more: Sequence[str], config: Path, limit: float = LIMIT) -> Boot:
        report = self._folder / "report"
        consoles = self._folder / "console", self._folder / "second-console"
        report.unlink(missing_ok=True)
        began = time.monotonic()
        argv = [*self._qemu(config, consoles, report), *more]
        subprocess.run(argv, check=True, timeout=limit)
        seconds = time.monotonic() - began
        text = report.read_text() if report.exists() else ""
        first, second = (console.read_text(errors="replace") for console in consoles)
        self.boots.append(Boot(json.loads(text) if text.endswith("\n") else None, first, second, seconds))
        return self.boots[-1]

    def _qemu(self, config: Path, consoles: tuple[Path, Path], report: Path) -> list[str]:
        return [
            *options.machine(kvm=not kvm_problem(), memory=MEMORY),
            *options.drive("root", str(self.root), "qcow2"),
            *options.drive("data", str(self.data), "raw"),
            *options.network(),
            *options.report_port("test.report", str(report)),
            *("-chardev", f"file,id=console,path={consoles[0]}", "-serial", "chardev:console", "-monitor", "none"),
            *("-chardev", f"file,id=second,path={consoles[1]}", "-device", "virtconsole,chardev=second"),
            *options.firmware_file(options.CONFIG, str(config)),
            *options.firmware_file("provision.test/probe", str(HERE / "probe.py")),
        ]


def cpio(files: dict[str, str], links: dict[str, str] | None = None) -> bytes:
    """An archive that can be laid over an initramfs: the text of files, and the targets of symbolic links.

    Scripts, which begin with #!, are executable.
    """
    out = bytearray()
    links = links or {}
    names = [str(parent) for file in (*files, *links) for parent in reversed(Path(file).parents) if str(parent) != "."]
    entries = [(name, 0o040755, b"") for name in dict.fromkeys(names)]
    entries += [(name, 0o100755 if text.startswith("#!") else 0o100644, text.encode()) for name, text in files.items()]
    entries += [(name, 0o120777, target.encode()) for name, target in links.items()]
    for number, (name, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")]):
        encoded = name.encode() + b"\0"
        fields = (number + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def _run_build(script: Path, what: str, *arguments: str) -> None:
    argv = ["unshare", "--mount", "--propagation", "unchanged", str(script), what, *arguments]
    environment = {**os.environ, "COMMAND_LINE": COMMAND_LINE}
    done = subprocess.run(argv, cwd=HOUSE, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{script.name} {what}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"


def _cache() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "provision-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digest(script: Path) -> str:
    """A digest of what makes the base: the first part of build.sh, and of the functions that it calls."""
    recipe = script.read_text().partition("machine() {")[0] + packages_recipe()
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]
