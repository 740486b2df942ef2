"""Boot a virtual machine with a config, to see it alive: its first boot, and then its console.

The machine starts from a copy of its base that is thrown away at the end. The base is a small Debian root with the
initramfs of this program, or a disk image of your own. Disks that the config names (/dev/vdb, /dev/sda, /dev/nvme0n1,
/dev/disk/by-id/virtio-data) are made, blank. On a terminal you are logged in as root when the machine is up.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from provision.commands.given_config import ConfigText, accepted, read_text
from provision.commands.trial.disks import ROOT, disks_of
from provision.commands.trial.whole_config import EMERGENCY, END, PORT, whole_config
from provision.config.format import Config
from provision.config.json_text.encode import encode
from provision.config.reports.text import printable
from provision.config.sniffing import is_cloud_config, is_yaml
from provision.failures import ActionFailed, Failure, Usage
from provision.system.virtual_machine import options
from provision.system.virtual_machine.debian_root import (
    SUITE,
    DebianRoot,
    check_names,
    debian_root,
    programs_that_make,
)
from provision.system.virtual_machine.disk_images import blank_disk, check_size, overlay
from provision.system.virtual_machine.kvm import kvm_problem
from provision.system.virtual_machine.needed_programs import QEMU, require
from provision.system.virtual_machine.running import RunningMachine, free_port, has_terminal
from provision.system.virtual_machine.ssh_keys import make_key

NAME = "try"
HELP = "boot a virtual machine with a config"
EPILOG = """\
examples:
  provision try site.bu
  provision try site.bu --ssh
  provision try site.bu --check && echo it boots

"""

FAILED = 6
"""The exit code for a boot that did not end well."""

LAST_LINES = 30
"""How many lines of the console are shown, with --ssh, of a boot that failed."""

ROOT_DEVICE = "/dev/disk/by-label/root"
"""The root of the machine. What is on it stays if the config makes it anew (docs/decisions/0017-roots.md)."""

LOG = "messages"
"""The file with the messages of qemu."""

LEAVE = "Ctrl-A and then X ends the machine; Ctrl-C goes to it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("config", metavar="CONFIG", help="Ignition config (JSON) or its YAML source; - is stdin")
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="directory in which the YAML source finds local files")
    parser.add_argument(
        "--check", action="store_true", help="end the machine when its boot has ended; the exit code tells how"
    )
    parser.add_argument("--ssh", action="store_true", help="log in by ssh instead of the console, with a key made now")
    base = parser.add_argument_group("base")
    base.add_argument(
        "--base", metavar="IMAGE", help="start from this disk image, which has a boot loader and our initramfs"
    )
    base.add_argument("--uefi", action="store_true", help="start the image with UEFI instead of a BIOS")
    base.add_argument("--suite", metavar="NAME", help=f"the Debian release of the root without --base ({SUITE})")
    base.add_argument(
        "--package", action="append", default=[], metavar="NAME", help="a Debian package more; may be repeated"
    )
    machine = parser.add_argument_group("machine")
    machine.add_argument("--memory", type=int, default=1536, metavar="MIB", help="memory of the machine (1536)")
    machine.add_argument("--disk-size", default="10G", metavar="SIZE", help="size of the disks that are made (10G)")
    machine.add_argument(
        "--argument", action="append", default=[], metavar="WORD", help="a kernel argument more; may be repeated"
    )
    machine.add_argument("--emulate", action="store_true", help="do not use KVM")


def run(arguments: argparse.Namespace) -> int:
    """Boot the machine, and wait for its end. Returns 0 or FAILED; raises Failure."""
    _check(arguments)
    source = read_text(arguments.config)
    config = accepted(source, arguments.files_dir).config
    text = _as_json(source, config)
    suite = arguments.suite or SUITE
    makers = [] if arguments.base else programs_that_make(suite, arguments.package)
    require([QEMU, "qemu-img", "setpriv", *(["ssh-keygen"] if arguments.ssh else []), *makers])
    if not arguments.base:
        _check_root(source.name, config)
    kvm = _accelerated(emulate=arguments.emulate)
    root = None if arguments.base else debian_root(suite, arguments.package, _say)
    with TemporaryDirectory(prefix="provision-try-") as folder:
        key = make_key(folder) if arguments.ssh else None
        Path(folder, "config.ign").write_text(whole_config(text, key.public if key else ""))
        port = free_port() if key else None
        argv = _command(arguments, config, root, Path(folder), kvm=kvm, port=port)
        if key and port:
            login = f"ssh -p {port} -i {key.file} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no"
            return _with_ssh(argv, Path(folder), f"{login} -o UserKnownHostsFile=/dev/null root@127.0.0.1")
        return _on_console(argv, Path(folder), check=arguments.check or not has_terminal())


def _check(arguments: argparse.Namespace) -> None:
    """Raises Usage for options that exclude each other."""
    if arguments.base and (arguments.suite or arguments.package or arguments.argument):
        raise Usage(
            "--base excludes --suite, --package and --argument", hint="its boot loader has the kernel arguments"
        )
    if arguments.uefi and not arguments.base:
        raise Usage("--uefi needs --base", hint="without --base there is no boot loader")
    if arguments.ssh and arguments.check:
        raise Usage("--ssh excludes --check")
    check_names(arguments.suite or SUITE, arguments.package)
    check_size(arguments.disk_size)
    if arguments.memory < 256:
        raise Usage("--memory: a machine with less than 256 MiB does not boot")


def _check_root(name: str, config: Config) -> None:
    """Raises Failure for a config that makes a file system at / beside that of the machine: it would stay empty."""
    storage = config.storage
    index = next((index for index, one in enumerate(storage.filesystems) if one.path == "/"), None)
    devices = {one.device for one in storage.filesystems} | {one.device for one in storage.luks}
    devices.update(device for one in storage.raid for device in one.devices)
    if index is not None and ROOT_DEVICE not in devices:
        raise Failure(
            f"{name}: storage.filesystems[{index}].path: the config makes a file system at /, and nothing in this "
            "machine fills it with a system",
            hint=f"make it on {ROOT_DEVICE}, give an image of your system with --base, or try the config without it",
        )


def _as_json(source: ConfigText, config: Config) -> bytes:
    """The config as the machine gets it: an Ignition config as it was written, everything else as JSON."""
    if config.older is not None:
        hint = f"convert it: transpile convert {source.name} > new.ign"
        raise Failure(f"{source.name}: a config of version 1 or 2.x cannot be tried as it is", hint=hint)
    made = is_yaml(source.text) or is_cloud_config(source.text)
    return encode(config).encode() if made else source.text


def _accelerated(*, emulate: bool) -> bool:
    """Whether the machine can use KVM; otherwise say how long its boot takes."""
    problem = "" if emulate else kvm_problem()
    if emulate or problem:
        because = f" because {problem}" if problem else ""
        _say(f"the machine is emulated{because}: its boot takes a minute, or some on a busy computer")
    return not (emulate or problem)


def _command(  # noqa: PLR0913 - a machine has these parts
    arguments: argparse.Namespace, config: Config, root: DebianRoot | None, folder: Path, *, kvm: bool, port: int | None
) -> list[str]:
    """The command line of qemu. Makes its disks in the folder. Raises Failure."""
    disks, unknown = disks_of(config)
    for name in unknown:
        _say(f"warning: the machine has no {printable(name)}; it has disks for names as /dev/vdb and "
             "/dev/disk/by-id/virtio-data")  # fmt: skip
    # for kernel arguments, a machine with a boot loader reboots
    argv = options.machine(kvm=kvm, memory=arguments.memory, reboots=root is None)
    argv += options.network([(port, 22)] if port else [])
    argv += options.report_port(PORT, str(folder / "report"))
    argv += options.firmware_file(options.CONFIG, str(folder / "config.ign"))
    if any(disk.device.startswith("scsi") for disk in disks):
        argv += ["-device", "virtio-scsi-pci"]
    for disk in disks:
        image = str(folder / f"{disk.name}.qcow2")
        if disk.name == ROOT:
            overlay(arguments.base or str(root and root.image), image)
        else:
            blank_disk(image, arguments.disk_size)
        first = ",bootindex=0" if disk.name == ROOT and root is None else ""
        argv += options.drive(disk.name, image, "qcow2", disk.device + first)
    if root is not None:
        words = kernel_arguments(arguments, config, kvm=kvm)
        argv += ["-kernel", str(root.kernel), "-initrd", str(root.initramfs), "-append", " ".join(words)]
    elif arguments.uefi:
        argv += options.uefi(folder)
    return argv


def kernel_arguments(arguments: argparse.Namespace, config: Config, *, kvm: bool) -> list[str]:
    """The kernel's arguments. Those that the config asks for are there from the start: there is no boot loader."""
    words = [*options.COMMAND_LINE.split(), "quiet", "systemd.show_status=yes", "provision.firstboot=auto"]
    if arguments.check or arguments.ssh or not has_terminal():
        words += ["rd.shell=0", "rd.emergency=poweroff", "provision.on_failure=poweroff"]
    else:  # an emergency shell, although root has no password (sulogin(8))
        words += ["SYSTEMD_SULOGIN_FORCE=1", "systemd.setenv=SYSTEMD_SULOGIN_FORCE=1"]
    if not kvm:  # a busy computer may take longer than systemd waits for a disk (90 s)
        words += ["systemd.default_device_timeout_sec=900"]
    wanted = config.kernel_arguments
    return [*(one for one in words if one not in wanted.should_not_exist), *wanted.should_exist, *arguments.argument]


def _on_console(argv: list[str], folder: Path, *, check: bool) -> int:
    """The machine with its console on standard output; with `check` it is ended when its boot has ended."""
    mode = "mux=off" if check else "mux=on"
    argv = [*argv, "-chardev", f"stdio,id=console,signal=off,{mode}", "-serial", "chardev:console"]
    argv += ["-monitor", "none"] if check else ["-mon", "chardev=console"]
    _say("the machine starts" if check else f"the machine starts; {LEAVE}")
    sys.stdout.flush()
    with RunningMachine(argv, folder / LOG, terminal=not check) as running:
        ended = not running.wait(lambda: check and bool(_report(folder)))
    return _end(folder, running.status if ended else 0)


def _with_ssh(argv: list[str], folder: Path, login: str) -> int:
    """The machine without a console; it runs until it is powered off, or this program is interrupted."""
    log = folder / "console"
    argv = [*argv, "-chardev", f"file,id=console,path={log}", "-serial", "chardev:console", "-monitor", "none"]
    _say(f"the machine starts; its console is written to {log}")
    with RunningMachine(argv, folder / LOG, terminal=False) as running:
        if running.wait(lambda: bool(_report(folder))):
            code = _end(folder, 0)
            _say(f"log in with\n\n{login}\n\nCtrl-C ends the machine")
            running.wait()
            return code
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines[-LAST_LINES:]))
        return _end(folder, running.status)


def _report(folder: Path) -> list[str]:
    """What the machine has written: its state (systemctl(1), is-system-running), and the units that failed."""
    path = folder / "report"
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return lines[:-1] if lines[-1:] == [END] else []


def _end(folder: Path, status: int | None) -> int:
    """Say how the boot has ended; returns the exit code. `status` is that of qemu. Raises Failure if qemu failed."""
    report = _report(folder)
    if status:
        lines = (folder / LOG).read_text(errors="replace").splitlines()
        raise ActionFailed("running qemu", "\n".join(lines[-LAST_LINES:]) or f"it ended with status {status}")
    if not report:
        _say("the machine ended before it was up; if its first boot failed, its console says why")
        return FAILED
    if report[0] == "running":
        _say("the machine came up, and all units are well")
        return 0
    stopped = report[0] == EMERGENCY
    _say(
        "the machine stopped in emergency mode:" if stopped else f"the machine came up, and is {printable(report[0])}:"
    )
    for line in report[1:]:
        _say(f"  {printable(line)}")
    return FAILED


def _say(text: str) -> None:
    print(f"provision: {text}", file=sys.stderr, flush=True)
