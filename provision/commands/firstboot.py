"""Decide in the initramfs whether this is the first boot, record at its end that it is done, or show why it is not.

`look` reads the kernel command line and, where that says so, looks (read only) for the record on the root file system.
On a first boot it leaves the environment of the other units in /run/provision/first-boot, without which none of them
runs. `resolve` tells programs of the name servers that systemd-networkd was given. `record` writes the record, when
everything else is on the disk. `explain` shows on all consoles what stopped the boot.

It is a program of its own, `provision-firstboot`, that only units start: every boot with `provision.firstboot=auto`
waits for it, so it takes its words without argparse.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from provision import stopped
from provision.failures import Failure, Usage
from provision.fetch.ground import Places
from provision.firstboot import RECORD, Verdict, platform, record_paths, resolv_conf, root_device, verdict, wait_seconds
from provision.system.ground import MachineGround

ENVIRONMENT = "/run/provision/first-boot"
"""Its presence is the condition of all other units, its contents their environment."""

LONG = 5.0
"""Seconds of waiting after which people at a console are told."""

NETWORK_STATE = "/run/systemd/netif/state"
RESOLV_CONF = "/etc/resolv.conf"


def main(arguments: Sequence[str]) -> int:
    """Look, record, or explain. Raises Failure, which is left for the one who explains."""
    try:
        _do(arguments, MachineGround(Places.of(os.environ)))
    except Failure as failure:
        stopped.leave(failure)
        raise
    return 0


def _do(arguments: Sequence[str], ground: MachineGround) -> None:
    if [*arguments] == ["look"]:
        look(ground)
    elif [*arguments] == ["resolve"]:
        resolve(ground)
    elif arguments[:1] == ["record"] and len(arguments) == 2:
        record(arguments[1], ground)
    elif [*arguments] == ["explain"]:
        stopped.explain()
    else:
        raise Usage("usage: provision-firstboot look | resolve | record ROOT | explain")


def look(ground: MachineGround) -> None:
    """Decide, and leave the others' environment if this is a first boot. Raises Failure."""
    from provision.state import write_private
    from provision.system import mounts

    # killed or not, it leaves no mount behind, which would keep the root file system read-only
    mounts.keep_to_ourselves()
    command_line = ground.read_text(ground.places.kernel_cmdline_path)
    said = verdict(command_line)
    first = said is Verdict.FIRST or (said is Verdict.LOOK and _unrecorded(command_line, ground))
    print("this is a first boot" if first else "this machine is provisioned already")
    if first:
        write_private(ENVIRONMENT, f"PLATFORM_ID={platform(command_line)}\n".encode())


def resolve(ground: MachineGround) -> None:
    """Write resolv.conf, if there are name servers."""
    text = resolv_conf(ground.read_text(NETWORK_STATE))
    if text:
        with open(f"{RESOLV_CONF}.new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(f"{RESOLV_CONF}.new", RESOLV_CONF)


def record(root: str, ground: MachineGround) -> None:
    """Write the record when all else is on the disk. Raises ActionFailed."""
    import json

    from provision import __version__
    from provision.actions import Content, Remove, Write
    from provision.history import JOURNAL
    from provision.system.kernel_devices import KernelDevices
    from provision.system.machine import Machine

    os.sync()
    boot = ground.read_text(ground.places.boot_id_path).strip()
    done = {"boot": boot, "finished": int(time.time()), "provision": __version__}
    machine = Machine(root, KernelDevices(), {})
    try:
        machine.apply(Write(RECORD, (Content(json.dumps(done).encode() + b"\n"),), parents=("/etc",)))
        machine.apply(Remove(JOURNAL))  # what was done is of no use any more
    finally:
        machine.release()
    os.sync()
    print(f"provisioned: recorded in {RECORD}")


def _unrecorded(command_line: str, ground: MachineGround) -> bool:
    """Whether the root file system has no record of completion. Raises Failure where that cannot be known."""
    device = root_device(command_line)
    if _arrives(device, wait_seconds(command_line), ground):
        return not any(ground.read_from(device, path) for path in record_paths(command_line))
    if held := _first_signature():
        raise Failure(
            f"the root device {device} did not come, and {held}: whether this machine is provisioned is unknown",
            hint="boot once with ignition.firstboot on the kernel command line to provision it in any case",
        )
    print(f"there is no {device}, and no disk holds anything")
    return True


def _arrives(device: str, seconds: float, ground: MachineGround) -> bool:
    from provision.system import consoles

    began, said = time.monotonic(), False
    while not os.path.exists(device):
        waited = time.monotonic() - began
        if waited >= seconds:
            return False
        if waited >= LONG and not said:
            said = True
            text = f"provision: waiting for the root device {device}, {seconds - waited:.0f} s more"
            print(text, flush=True)
            consoles.write(text)
        ground.await_change(min(seconds - waited, 1.0))
    return True


def _first_signature() -> str:
    """What some disk of this machine holds, in words; empty if none holds anything but a config."""
    from provision.fetch.drives import CONFIG_DRIVES
    from provision.system import signatures, sysfs

    for block in sysfs.every():
        if not os.path.basename(block.node).startswith(("ram", "zram", "sr", "fd")):
            found = signatures.probe(block.node)
            if found.type and (found.label or "").lower() not in CONFIG_DRIVES:
                return f"{block.node} holds {found.type}"
    return ""
