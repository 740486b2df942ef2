"""Boots that stop, and say why."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.equipment import SshLogin
from tests.real.boot.machine import LIMIT, Machine, cpio

pytestmark = pytest.mark.boot


@pytest.mark.parametrize(
    ("shell", "policy", "told", "end"),
    [
        ("0", "poweroff", "The machine powers itself off", "Power down"),
        ("1", "reboot:1", "The machine reboots in 1 s", "Restarting system"),
    ],
)
def test_a_root_that_does_not_exist_is_named_on_the_consoles(
    shell: str, policy: str, told: str, end: str, *, machine: Machine, config_file: Path
) -> None:
    """dracut runs its hook in another place with `rd.shell=1`; then the policy comes before the shell."""
    arguments = f"ignition.firstboot root=LABEL=missing rd.retry=2 rd.shell={shell} provision.on_failure={policy}"
    boot = machine.boot(arguments, config_file)
    assert boot.report is None
    for console in (boot.console, boot.second_console):
        assert console.count("The boot stopped: there is no root device /dev/disk/by-label/missing") == 1
        assert 'holds ext4 "root"' in console
        assert "hint: correct root=" in console
        assert told in console
    assert f"reboot: {end}" in boot.console


def test_a_driver_that_is_missing_is_hinted_at_on_the_consoles(machine: Machine, config_file: Path) -> None:
    boot = machine.boot("ignition.firstboot rootfstype=jfs provision.on_failure=poweroff", config_file)
    assert boot.report is None
    for console in (boot.console, boot.second_console):
        assert "The boot stopped: sysroot.mount failed (exit-code)" in console
        assert "unknown filesystem type 'jfs'" in console
        assert "hint: the driver of this file system is not in the initramfs" in console


SLOW = """\
#!/bin/sh
for one in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 1; done
exec mke2fs -t ext4 "$@"
"""
"""A mkfs.ext4 that takes long."""

HANGS = """\
#!/bin/sh
IFS=: read -r _ _ unit </proc/self/cgroup
while read -r one; do [ "$one" = $$ ] || kill -STOP "$one"; done <"/sys/fs/cgroup$unit/cgroup.procs"
kill -STOP $$
"""
"""A useradd that stops all processes of its unit."""

SOON = "[Service]\nTimeoutStartSec=15\nEnvironment=PROVISION_START_LIMIT=15s\n"


def test_a_step_that_works_is_waited_for_and_one_that_hangs_is_ended(images: DebianRoot, tmp_path: Path) -> None:
    machine = Machine(images, tmp_path / "machine")
    filesystem = {"device": "/dev/disk/by-id/virtio-data", "format": "ext4", "wipeFilesystem": True}
    path = tmp_path / "config.ign"
    config = {"storage": {"filesystems": [filesystem]}, "passwd": {"users": [{"name": "core"}]}}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, **config}))
    drop_ins = {f"etc/systemd/system/provision-{one}.service.d/soon.conf": SOON for one in ("disks", "files")}
    overlay = cpio({"usr/sbin/mkfs.ext4": SLOW, "usr/sbin/useradd": HANGS, **drop_ins})
    boot = machine.boot("provision.firstboot=auto provision.on_failure=poweroff", path, overlay=overlay)
    assert boot.report is None, "the boot went on"
    for console in (boot.console, boot.second_console):
        assert "The first boot stopped: provision-files.service failed (timeout)" in console
        assert "hint: it reached its time limit" in console
    assert subprocess.check_output(["blkid", "-o", "value", "-s", "TYPE", machine.data], text=True) == "ext4\n"


REFUSES = "#!/bin/sh\necho this boot loader is unknown >&2\nexit 3\n"
"""A helper for kernel arguments."""


@pytest.mark.parametrize("initramfs", ["ssh", "network-manager", "network-legacy"])
def test_a_person_logs_in_by_ssh_while_a_failed_boot_is_held(
    initramfs: str, wide: DebianRoot, machine: Machine, tmp_path: Path
) -> None:
    """The helper for kernel arguments fails; nothing has started the network until then."""
    config = {"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["nosmt"]}}
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(config))
    login = SshLogin(tmp_path)
    arguments = f"provision.firstboot=auto provision.on_failure=hold provision.ssh_key={login.key}"
    overlay = cpio({"usr/sbin/ignition-kargs-helper": REFUSES})
    with machine.running(
        arguments, path, initramfs=wide.folder / initramfs, overlay=overlay, network=login.forward
    ) as boot:
        shown = boot.wait_for("Its addresses: 10.0.2.15")
        assert "The first boot stopped: provision-disks.service failed" in shown
        assert "this boot loader is unknown" in shown
        assert login.fingerprint() in shown, "the console shows another fingerprint"
        (tmp_path / "bundle").write_bytes(login.run("cat /run/provision/bundle"))
        replay = [sys.executable, "-m", "provision", "replay", str(tmp_path / "bundle")]
        done = subprocess.run(replay, capture_output=True, text=True, check=False)
        assert "this boot loader is unknown" in done.stdout + done.stderr
        without_key = [*login.argv, "-o", "PreferredAuthentications=password", "true"]
        assert subprocess.run(without_key, capture_output=True, check=False).returncode == 255
        subprocess.run([*login.argv, "systemctl poweroff --force --force"], check=False)
        assert boot.process.wait(LIMIT) == 0
    with machine.data.open("rb") as data:
        assert not any(data.read(1 << 20)), "a later stage has run"
