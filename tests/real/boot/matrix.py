"""Many kinds of machines, each booted: `make boot-matrix`, by hand, because it takes a quarter of an hour or more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from provision.boot.completion_record import RECORD
from provision.system.virtual_machine.debian_root import DebianRoot
from provision.system.virtual_machine.options import OVMF, uefi
from tests.real.boot.equipment import grub_disk_for_root, partitioned_root, systemd_boot_disk, tpm, uki_disk
from tests.real.boot.machine import Boot, Machine, cpio
from tests.real.boot.server import Server
from tests.real.boot.workload import IDS, LATER, PAYLOAD, check_provisioned, config, mount_unit, ran, with_grub_and_tpm

pytestmark = [pytest.mark.boot, pytest.mark.skipif(os.geteuid() != 0, reason="building a machine's root needs root")]

OTHER = "4c4c4544-0042-3510-8053-b4c04f4d5332"


@pytest.fixture
def machine(wide: DebianRoot, tmp_path: Path) -> Iterator[Machine]:
    yield from shown(Machine(wide, tmp_path / "machine"))


@pytest.fixture
def newer(next_release: DebianRoot, tmp_path: Path) -> Iterator[Machine]:
    yield from shown(Machine(next_release, tmp_path / "machine"))


def shown(machine: Machine) -> Iterator[Machine]:
    """The machine; at the end of the test the times of its boots are shown."""
    yield machine
    for number, boot in enumerate(machine.boots, 1):
        print(f"\nboot {number}: {boot}", end="", flush=True)


@pytest.fixture
def config_file(server: Server, tmp_path: Path) -> Path:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(config(server.url)))
    return path


def with_raid(config: dict[str, Any]) -> dict[str, Any]:
    """The config with a mirror of two more partitions, and a file system on it."""
    storage = config["storage"]
    partitions = storage["disks"][0]["partitions"]
    for number, label in ((4, "mirror-1"), (5, "mirror-2")):
        partitions.append({"number": number, "label": label, "sizeMiB": 64})
    devices = ["/dev/disk/by-partlabel/mirror-1", "/dev/disk/by-partlabel/mirror-2"]
    storage["raid"] = [{"name": "mirror", "level": "raid1", "devices": devices}]
    storage["filesystems"].append({"device": "/dev/md/mirror", "format": "ext4", "path": "/srv/mirror"})
    storage["files"].append({"path": "/srv/mirror/hello", "contents": {"source": "data:,mirrored"}})
    unit = mount_unit("mirror", "/srv/mirror", "ext4")
    unit["contents"] = unit["contents"].replace("/dev/disk/by-partlabel/mirror", "/dev/md/mirror")
    config["systemd"]["units"].append(unit)
    return config


def test_a_hostonly_initramfs_makes_volumes_and_arrays(
    wide: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    wanted = with_raid(with_grub_and_tpm(config(server.url)))
    del wanted["kernelArguments"]
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(wanted))
    with tpm(tmp_path / "tpm") as devices:
        first = machine.boot("ignition.firstboot", path, initramfs=wide.folder / "hostonly", devices=devices)
    check_provisioned(first.reported)
    assert first.reported["nodes"]["/srv/mirror/hello"]["size"] == len("mirrored")
    assert first.reported["nodes"]["/srv/secret/hello"]["size"] == len("of the TPM")


def test_what_we_add_to_an_initramfs_is_less_than_what_ignition_adds(wide: DebianRoot) -> None:
    """Both with a network: systemd-networkd for us, NetworkManager for Ignition. `make bench-boot` shows more."""
    bare, ours, theirs = ((wide.folder / name).stat().st_size for name in ("bare", "initramfs", "ignition"))
    print(f"\n{(ours - bare) / 1e6:.1f} MB, Ignition {(theirs - bare) / 1e6:.1f} MB", end="")
    assert (ours - bare) / (theirs - bare) < 0.675


def test_beside_ignitions_units_each_stage_runs_once(wide: DebianRoot, machine: Machine, tmp_path: Path) -> None:
    """The network is the distribution's part there, so the config needs none."""
    wanted = config("data:,payload")
    del wanted["storage"]["files"][-1]
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(wanted))
    arguments = "ignition.firstboot root=LABEL=root"
    boot = machine.boot(arguments, path, initramfs=wide.folder / "beside-ignition")
    # Debian's later units let it write to standard output
    messages = [one["message"].removeprefix("INFO     : ") for one in boot.reported["journal"]]
    for stage in ("fetch-offline", "kargs", "disks", "mount", "files", "umount"):
        assert messages.count(f"Stage: {stage}") == 1, stage
    assert any("(provision " in message for message in messages), "it was Debian's program"
    assert ran(boot) == ["complete"], "one of our units ran in the initramfs"
    assert boot.reported["left"] == [], "the config outlived the first boot"
    told = {one["message"] for one in boot.reported["journal"] if one["id"] in IDS}
    assert told == {'fetched user config from "qemu"', "wrote the ssh keys of user core"}
    assert boot.reported["nodes"]["/srv/data/hello"]["size"] == len("on ext4")


def test_beside_ignitions_units_the_consoles_show_why_a_boot_stopped(
    wide: DebianRoot, machine: Machine, tmp_path: Path
) -> None:
    path = tmp_path / "config.ign"
    path.write_text('{"ignition": {"version": "9.0.0"}}')
    arguments = "ignition.firstboot root=LABEL=root provision.on_failure=poweroff"
    boot = machine.boot(arguments, path, initramfs=wide.folder / "beside-ignition")
    assert boot.report is None, "the boot went on"
    for console in (boot.console, boot.second_console):
        assert console.count("The first boot stopped: ignition-fetch-offline.service failed (exit-code)") == 1
        assert "qemu:1:26: ignition.version: unsupported config version (hint: " in console
        assert "The log: journalctl -u 'ignition-*'" in console


def hook(script: str, *settings: str) -> str:
    """A unit of a distribution, whose output is in the report."""
    lines = "\n".join(("DefaultDependencies=no", "OnFailure=emergency.target", "OnFailureJobMode=isolate", *settings))
    service = "Type=oneshot\nRemainAfterExit=yes\nSyslogIdentifier=ignition"
    return f"[Unit]\n{lines}\n[Service]\n{service}\nEnvironmentFile=/run/ignition.env\nExecStart=sh -ec '{script}'\n"


def distribution(config_file: Path, check: str) -> bytes:
    """An archive with units at each point of a first boot; `check` is what the one between kargs and disks does."""
    partition = "/dev/disk/by-partlabel/data"
    mounted = "grep -q sysroot/srv/data /proc/self/mounts"
    user = "mkdir -p /usr/lib/ignition; cp /own.ign /usr/lib/ignition/user.ign; echo hook user $PLATFORM_ID"
    hooks = {
        "complete.target.requires/own-user": hook(
            f"test ! -e /run/ignition.json; {user}", "Before=ignition-fetch-offline.service"
        ),
        "diskful.target.requires/own-table": hook(
            f"test -s /run/ignition.json; test ! -e {partition}; {check}",
            *("After=ignition-kargs.service", "Before=ignition-disks.service ignition-diskful.target"),
        ),
        "complete.target.requires/own-root": hook(
            f"test -e {partition}; ! {mounted}; echo hook root", "After=ignition-disks.service", "Before=sysroot.mount"
        ),
        "complete.target.requires/own-var": hook(
            f"{mounted}; test ! -e /sysroot/srv/data/hello; echo hook var",
            *("After=ignition-mount.service", "Before=ignition-files.service"),
        ),
        "complete.target.requires/own-check": hook(
            f"{mounted}; test -e /sysroot/srv/data/hello; test ! -e /sysroot{RECORD}; echo hook check",
            *("After=ignition-files.service", "Before=ignition-complete.target"),
        ),
        "subsequent.target.requires/own-later": hook("echo hook later $PLATFORM_ID", "Before=sysroot.mount"),
        "diskful-subsequent.target.requires/own-disk": hook("echo hook disk of a later boot", "Before=sysroot.mount"),
    }
    folder = "usr/lib/systemd/system"
    files = {f"{folder}/{name.rpartition('/')[2]}.service": text for name, text in hooks.items()}
    files[f"{folder}/ignition-files.service.d/own.conf"] = "[Service]\nEnvironment=IGNITION_ARGS=--log-to-stdout\n"
    files["own.ign"] = config_file.read_text()
    links = {f"{folder}/ignition-{name}.service": f"../{name.rpartition('/')[2]}.service" for name in hooks}
    return cpio(files, links)


def said(boot: Boot) -> list[str]:
    """What the units of the distribution said."""
    messages = (one["message"] for one in boot.reported["journal"])
    return [message.removeprefix("hook ") for message in messages if message.startswith("hook ")]


def test_units_of_a_distribution_run_at_the_points_that_ignition_names(
    images: DebianRoot, server: Server, config_file: Path, tmp_path: Path
) -> None:
    machine = Machine(images, tmp_path / "machine")
    failed = machine.boot(
        "provision.firstboot=auto provision.on_failure=poweroff",
        unusable(tmp_path),
        overlay=distribution(config_file, "echo this check fails; false"),
    )
    assert failed.report is None, "the boot went on"
    assert "own-table.service failed (exit-code)" in failed.console
    assert "this check fails" in failed.console
    with machine.data.open("rb") as data:
        assert not any(data.read(1 << 20)), "a later stage has run"
    overlay = distribution(config_file, "echo hook table")
    first = machine.boot("provision.firstboot=auto", unusable(tmp_path), overlay=overlay)
    check_provisioned(first.reported)
    assert said(first) == ["user qemu", "table", "root", "var", "check"]
    stages = ["look", "fetch-offline", "network", "kargs", "disks", "mount", "files", "record"]
    assert [unit for unit in ran(first) if unit != "resolve"] == stages
    assert any(one["message"] == "INFO     : Stage: files" for one in first.reported["journal"])
    asked = server.asked
    second = machine.boot("provision.firstboot=auto", unusable(tmp_path), overlay=overlay)
    assert sorted(said(second)) == ["disk of a later boot", "later qemu"]
    assert second.reported["nodes"] == first.reported["nodes"]
    assert server.asked == asked


def test_with_networkmanager_alone_the_config_can_fetch(wide: DebianRoot, machine: Machine, config_file: Path) -> None:
    boot = machine.boot("provision.firstboot=auto", config_file, initramfs=wide.folder / "network-manager")
    check_provisioned(boot.reported)


def test_initramfs_tools_provisions_once(wide: DebianRoot, machine: Machine, config_file: Path) -> None:
    initramfs = wide.folder / "initramfs-tools"
    first = machine.boot("provision.firstboot=auto", config_file, initramfs=initramfs)
    check_provisioned(first.reported)
    second = machine.boot("provision.firstboot=auto", config_file, initramfs=initramfs)
    assert second.reported["nodes"] == first.reported["nodes"]


def test_initramfs_tools_stops_at_an_error_and_says_why(wide: DebianRoot, machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "config.ign"
    path.write_text('{"ignition": {"version": "9.0.0"}}')
    arguments = "provision.firstboot=auto panic=-1"
    boot = machine.boot(arguments, path, initramfs=wide.folder / "initramfs-tools")
    assert boot.report is None, "the boot went on"
    assert "The first boot stopped: a stage failed" in boot.console
    assert "qemu:1:26: ignition.version: unsupported config version (hint: " in boot.console


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


def test_a_credential_from_smbios_is_the_config(machine: Machine, tmp_path: Path, server: Server) -> None:
    handed_over = tmp_path / "smbios"
    text = b64encode(json.dumps(config(server.url)).encode()).decode()
    handed_over.write_text(f"io.systemd.credential.binary:ignition.config={text}")
    devices = ["-smbios", f"type=11,path={handed_over}"]
    boot = machine.boot("provision.firstboot=auto", unusable(tmp_path), devices=devices)
    check_provisioned(boot.reported)
    assert sources(boot) == {"credential ignition.config"}


@pytest.mark.skipif(not OVMF.exists(), reason="OVMF is not installed")
@pytest.mark.skipif(which("objcopy") is None, reason="objcopy is not installed")
@pytest.mark.skipif(which("systemd-creds") is None, reason="systemd-creds is not installed")
def test_a_unified_kernel_image_with_an_encrypted_credential_beside_it(
    wide: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    encrypt = ["systemd-creds", "encrypt", "--with-key=tpm2-absent", "--name=system.config", "-", "-"]
    text = json.dumps(config(server.url)).encode()
    credential = subprocess.run(encrypt, input=text, stdout=subprocess.PIPE, check=True).stdout
    disk = uki_disk(wide, tmp_path, "provision.firstboot=auto", {"system.config": credential})
    first = machine.boot_from_disk(disk, unusable(tmp_path), devices=uefi(tmp_path))
    check_provisioned(first.reported)
    assert sources(first) == {"credential system.config"}
    second = machine.boot_from_disk(disk, unusable(tmp_path), devices=uefi(tmp_path))
    assert ran(second) == LATER
    assert second.reported["nodes"] == first.reported["nodes"]


def unusable(folder: Path) -> Path:
    """A config that stops a boot which uses it."""
    path = folder / "unusable.ign"
    path.write_text("{}")
    return path


def sources(boot: Boot) -> set[str]:
    """Where the user's config came from, as the journal says."""
    told = [one["message"].partition("fetched user config from ")[2] for one in boot.reported["journal"]]
    return {text.strip('"') for text in told if text}


def test_a_copied_disk_stops_and_a_later_boot_runs_nothing(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}}))
    first = machine.boot("provision.firstboot=auto", path)
    assert first.reported["nodes"]["/etc/.provision-complete.json"]["size"]
    copied = machine.boot("provision.firstboot=auto", path, uuid=OTHER)
    assert copied.report is None, "a machine with the record of another one must not come up"
    for console in (copied.console, copied.second_console):
        assert "the root file system has the record of another machine" in console
        assert "provision.firstboot.record=ignore" in console
    assert ran(machine.boot("", path)) == LATER[1:]


def test_network_and_name_come_from_the_platform(images: DebianRoot, server: Server, tmp_path: Path) -> None:
    """A config drive of KubeVirt; its network is that of qemu's user network, without DHCP."""
    wanted = config(server.url)
    wanted["storage"]["files"] = [one for one in wanted["storage"]["files"] if one["path"] != "/etc/hostname"]
    network = {"match": {"macaddress": "52:54:00:12:34:56"}, "addresses": ["10.0.2.77/24"]}
    drive = tmp_path / "drive"
    drive.mkdir()
    (drive / "user-data").write_text(json.dumps(wanted))
    (drive / "meta-data").write_text(json.dumps({"instance-id": "i-1", "local-hostname": "node-of-platform"}))
    (drive / "network-config").write_text(json.dumps({"version": 2, "ethernets": {"nic0": network}}))
    image = tmp_path / "drive.img"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-L", "cidata", "-d", drive, image], check=True)
    attached = ["-drive", f"if=none,id=d2,file={image},format=raw", "-device", "virtio-blk-pci,drive=d2"]
    arguments = "provision.firstboot=auto ignition.platform.id=kubevirt provision.hostname=platform"
    boot = Machine(images, tmp_path / "machine").boot(arguments, drive / "user-data", devices=attached)
    assert boot.reported["hostname"] == "node-of-platform"
    assert boot.reported["nodes"]["/opt/payload"]["size"] == len(PAYLOAD)
    assert {"platform-network", "hostname"} <= set(ran(boot))
    messages = [one["message"] for one in boot.reported["journal"]]
    assert "eth0: Configuring with /run/systemd/network/20-52:54:00:12:34:56.network." in messages
    assert not [one for one in messages if "DHCPv4 address" in one]
    assert boot.reported["failed"] == [""]


GROWING = "3884dd41-8582-4404-b9a8-e9b84f2df50e"
"""The type coreos-resize of partitions."""

READER = """\
[Unit]
Requires=provision-metadata.service
After=provision-metadata.service
Before=probe.service
[Service]
Type=oneshot
ExecStart=systemd-run --wait -p EnvironmentFile=/run/metadata/coreos sh -c "printenv ${ATTRIBUTE} >/etc/name"
Environment=ATTRIBUTE=COREOS_OPENSTACK_HOSTNAME
[Install]
WantedBy=multi-user.target
"""


def test_a_shared_folder_is_the_config_drive_and_a_larger_disk_is_used(
    wide: DebianRoot, server: Server, tmp_path: Path
) -> None:
    """A folder that QEMU shares by 9p is a drive of OpenStack; ROOT is a partition of a disk of 4 GiB."""
    wanted = config(server.url)
    units = wanted["systemd"]["units"]
    # provision-metadata waits for the network, which nothing configures in the real root
    units.append({"name": "NetworkManager-wait-online.service", "mask": True})
    units.append({"name": "reader.service", "enabled": True, "contents": READER})
    units.append({"name": "provision-grow.service", "enabled": True, "dropins": [BEFORE_PROBE]})
    folder = tmp_path / "share"
    latest = folder / "openstack/latest"
    latest.mkdir(parents=True)
    (latest / "user_data").write_text(json.dumps(wanted))
    (latest / "meta_data.json").write_text(json.dumps({"uuid": "i-1", "hostname": "node-of-the-share"}))
    share = f"local,path={folder},mount_tag=config-2,security_model=none,readonly=on"
    images = partitioned_root(wide, tmp_path, GROWING, 4 << 30)
    arguments = "provision.firstboot=auto ignition.platform.id=openstack provision.platform.mismatch=allow"
    boot = Machine(images, tmp_path / "machine").boot(
        arguments, unusable(tmp_path), initramfs=wide.folder / "9p", devices=("-virtfs", share)
    )
    nodes = boot.reported["nodes"]
    assert nodes["/srv/data/hello"]["size"] == len("on ext4")
    assert nodes["/etc/name"]["size"] == len("node-of-the-share\n")
    assert sources(boot) == {"openstack"}
    (root,) = [
        one
        for disk in boot.reported["devices"]["blockdevices"]
        for one in disk.get("children", [])
        if one["partlabel"] == "ROOT"
    ]
    assert root["size"] > 4 * (1 << 30) - (4 << 20)
    assert int(root["fssize"]) > 3.8 * (1 << 30)
    assert boot.reported["failed"] == [""]


BEFORE_PROBE = {"name": "probe.conf", "contents": "[Unit]\nBefore=probe.service\n"}


def test_slots_share_the_record_on_the_efi_system_partition(images: DebianRoot, tmp_path: Path) -> None:
    """The second slot is another root file system, which nothing has provisioned."""
    path = tmp_path / "config.ign"
    file = {"path": "/etc/motd.d/provision", "contents": {"source": "data:,welcome"}}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [file]}}))
    shared = tmp_path / "shared.img"
    subprocess.run(["mkfs.fat", "-C", "-n", "SHARED", shared, str(64 << 10)], check=True, stdout=subprocess.PIPE)
    attached = ["-drive", f"if=none,id=d2,file={shared},format=raw", "-device", "virtio-blk-pci,drive=d2"]
    arguments = "provision.firstboot=auto provision.firstboot.device=LABEL=SHARED"
    first = Machine(images, tmp_path / "a").boot(arguments, path, devices=attached)
    assert first.reported["nodes"]["/etc/motd.d/provision"]["size"] == len("welcome")
    assert "/etc/.provision-complete.json" not in first.reported["nodes"]
    assert first.reported["failed"] == [""]
    second = Machine(images, tmp_path / "b").boot(arguments, path, devices=attached)
    assert ran(second) == LATER
    assert "/etc/motd.d/provision" not in second.reported["nodes"]


RESET = """\
[Unit]
Before=probe.service
[Service]
Type=oneshot
ExecStart=touch /home/core/own /etc/systemd/system/own /opt/payload
ExecStart=python3 -m provision reset --yes
[Install]
WantedBy=multi-user.target
"""


@pytest.mark.parametrize("way", ["command", "argument"])
def test_a_factory_reset_empties_the_root_and_makes_etc_again(way: str, images: DebianRoot, tmp_path: Path) -> None:
    machine = Machine(images, tmp_path / "machine")
    unit = RESET if way == "command" else RESET.replace("ExecStart=python3 -m provision reset --yes\n", "")
    users = {"users": [{"name": "core"}]}
    first_config = {"passwd": users, "systemd": {"units": [{"name": "own.service", "enabled": True, "contents": unit}]}}
    name = {"path": "/etc/hostname", "overwrite": True, "contents": {"source": "data:,reset"}}
    path = tmp_path / "config.ign"
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, **first_config}))
    first = machine.boot("provision.firstboot=auto", path)
    assert first.reported["failed"] == [""]
    assert "/home/core/own" in first.reported["nodes"]
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [name]}}))
    argument = "provision.reset=yes" if way == "argument" else ""
    second = machine.boot(f"provision.firstboot=auto {argument}", path)
    assert "factory reset: removing" in second.console
    assert second.reported["hostname"] == "reset"
    assert second.reported["failed"] == [""]
    assert second.reported["core"] == {}
    gone = {"/home/core/own", "/etc/systemd/system/own", "/etc/systemd/system/own.service", "/opt/payload"}
    assert gone & second.reported["nodes"].keys() == set()
    assert second.reported["nodes"]["/etc/.provision-complete.json"]["size"]
    assert ran(machine.boot("provision.firstboot=auto", path)) == LATER


@pytest.mark.parametrize("loader", ["bls", "systemd-boot"])
def test_kernel_arguments_of_boot_loader_entries(loader: str, machine: Machine, tmp_path: Path) -> None:
    """The files of the boot loader are on the root; what is booted is not read from them."""
    path = tmp_path / "config.ign"
    arguments = {"shouldExist": ["nosmt", "console=ttyS0"], "shouldNotExist": ["quiet"]}
    path.write_text(json.dumps({"ignition": {"version": "3.4.0"}, "kernelArguments": arguments}))
    overlay = cpio({"etc/provision-kargs.conf": f"LOADER={loader}\nBOOT=LABEL=root\n"})
    first = machine.boot("provision.firstboot=auto", path, overlay=overlay)
    assert first.report is None, "it did not reboot"
    second = machine.boot("provision.firstboot=auto", path, overlay=overlay)
    assert second.reported["entry"].splitlines()[-1] == "options root=LABEL=root nosmt console=ttyS0"
    assert second.reported["failed"] == [""]


def test_the_next_debian_release_provisions_once(newer: Machine, server: Server, config_file: Path) -> None:
    """Newer versions of dracut, systemd, Python and the tools."""
    first = newer.boot("provision.firstboot=auto", config_file)
    check_provisioned(first.reported)
    asked = server.asked
    second = newer.boot("provision.firstboot=auto", config_file)
    assert ran(second) == LATER
    assert server.asked == asked
    assert second.reported["nodes"] == first.reported["nodes"]


def with_boot(config: dict[str, Any], label: str) -> dict[str, Any]:
    """The config with a unit that mounts the file system with this label on /boot."""
    text = f"[Mount]\nWhat=/dev/disk/by-label/{label}\nWhere=/boot\n[Install]\nRequiredBy=local-fs.target\n"
    config["systemd"]["units"].append({"name": "boot.mount", "enabled": True, "contents": text})
    return config


def test_grub_loads_the_first_boot_archive_while_there_is_a_stamp(
    wide: DebianRoot, machine: Machine, config_file: Path, tmp_path: Path
) -> None:
    """The menu is written by grub-mkconfig with our part; the initramfs of all boots has nothing of ours."""
    disk = grub_disk_for_root(wide, tmp_path)
    first = machine.boot_from_disk(disk, config_file)
    check_provisioned(first.reported)
    second = machine.boot_from_disk(disk, config_file)
    assert "ignition.firstboot" not in second.reported["arguments"]
    assert ran(second) == []
    assert second.reported["nodes"] == first.reported["nodes"]


@pytest.mark.skipif(not OVMF.exists(), reason="OVMF is not installed")
def test_systemd_boot_has_an_entry_with_the_first_boot_archive_once(
    wide: DebianRoot, machine: Machine, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "config.ign"
    path.write_text(json.dumps(with_boot(config(server.url), "ESP")))
    disk = systemd_boot_disk(wide, tmp_path, "")
    first = machine.boot_from_disk(disk, path, devices=uefi(tmp_path))
    check_provisioned(first.reported)
    second = machine.boot_from_disk(disk, path, devices=uefi(tmp_path))
    assert "ignition.firstboot" not in second.reported["arguments"]
    assert ran(second) == []
    assert second.reported["nodes"] == first.reported["nodes"]


ALIVE = """
variant: fcos
version: 1.5.0
kernel_arguments: {should_exist: [nosmt]}
storage:
  disks: [{device: /dev/vda, wipe_table: true, partitions: [{label: data, size_mib: 256}]}]
  filesystems: [{device: /dev/disk/by-partlabel/data, format: ext4, path: /var/data, with_mount_unit: true}]
  files: [{path: /var/data/hello, contents: {inline: on ext4}}]
systemd:
  units:
  - name: probe.service
    enabled: true
    contents: |
      [Service]
      Type=oneshot
      ExecStart=/bin/sh -ec 'grep nosmt /proc/cmdline; grep "on ext4" /var/data/hello; findmnt /var/data'
      [Unit]
      RequiresMountsFor=/var/data
      [Install]
      WantedBy=multi-user.target
"""


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (ALIVE, 0, "the machine came up, and all units are well"),
        (ALIVE.replace("on ext4}", "another}"), 6, "the machine came up, and is degraded:\nprovision:   probe.service"),
        (ALIVE.replace("/var/data/hello,", "/etc/passwd,"), 6, "the machine ended before it was up"),
    ],
)
def test_a_tried_config_boots_and_the_exit_code_tells_how(text: str, code: int, told: str, tmp_path: Path) -> None:
    path = tmp_path / "site.bu"
    path.write_text(text)
    argv = [sys.executable, "-m", "provision", "try", str(path), "--check"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, told in done.stderr) == (code, True), done.stderr + done.stdout[-4000:]
