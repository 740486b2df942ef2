"""Initramfs of several builders, kinds and releases, and beside Ignition's units."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.fetch.certificates import Authority
from tests.real.boot.equipment import tpm
from tests.real.boot.machine import Machine
from tests.real.boot.server import FROM_THE_GUEST, Server, serving
from tests.real.boot.workload import (
    IDS,
    PAYLOAD,
    check_provisioned,
    check_unchanged,
    config,
    mount_unit,
    ran,
    with_grub_and_tpm,
)

pytestmark = pytest.mark.boot


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
        first = machine.boot("provision.firstboot=auto", path, initramfs=wide.folder / "hostonly", devices=devices)
    with tpm(tmp_path / "tpm") as devices:
        second = machine.boot("provision.firstboot=auto", path, initramfs=wide.folder / "hostonly", devices=devices)
    check_provisioned(first.reported)
    check_unchanged(first, second)
    assert first.reported["nodes"]["/srv/mirror/hello"]["size"] == len("mirrored")
    assert first.reported["nodes"]["/srv/secret/hello"]["size"] == len("of the TPM")


def test_what_we_add_to_an_initramfs_is_less_than_what_ignition_adds(wide: DebianRoot) -> None:
    """Both with a network: systemd-networkd for us, NetworkManager for Ignition. `make bench-boot` shows more."""
    bare, ours, theirs = ((wide.folder / name).stat().st_size for name in ("bare", "initramfs", "ignition"))
    print(f"\n{(ours - bare) / 1e6:.1f} MB, Ignition {(theirs - bare) / 1e6:.1f} MB", end="")
    assert (ours - bare) / (theirs - bare) < 0.63


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
    later = machine.boot("root=LABEL=root", path, initramfs=wide.folder / "beside-ignition")
    check_unchanged(boot, later, [])


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


def test_initramfs_tools_provisions_once(wide: DebianRoot, machine: Machine, config_file: Path) -> None:
    initramfs = wide.folder / "initramfs-tools"
    first = machine.boot("provision.firstboot=auto", config_file, initramfs=initramfs)
    check_provisioned(first.reported)
    second = machine.boot("provision.firstboot=auto", config_file, initramfs=initramfs)
    check_unchanged(first, second, [])


def test_initramfs_tools_stops_at_an_error_and_says_why(wide: DebianRoot, machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "config.ign"
    path.write_text('{"ignition": {"version": "9.0.0"}}')
    arguments = "provision.firstboot=auto panic=-1"
    boot = machine.boot(arguments, path, initramfs=wide.folder / "initramfs-tools")
    assert boot.report is None, "the boot went on"
    assert "The first boot stopped: a stage failed" in boot.console
    assert "qemu:1:26: ignition.version: unsupported config version (hint: " in boot.console


def as_yaml(config: dict[str, Any], authority: str) -> str:
    """A config of version 3.4.0 as its author writes it, with an authority whose servers are trusted."""

    def written(value: Any) -> Any:
        if isinstance(value, dict):
            return {re.sub("MiB$|[A-Z]", _snake, key): written(one) for key, one in value.items()}
        return [written(one) for one in value] if isinstance(value, list) else value

    tls = {"security": {"tls": {"certificate_authorities": [{"inline": authority}]}}}
    body = {key: one for key, one in written(config).items() if key != "ignition"}
    return str(yaml.safe_dump({"variant": "fcos", "version": "1.5.0", "ignition": tls, **body}))


def _snake(capital: re.Match[str]) -> str:
    return f"_{capital[0].lower()}"


def test_the_next_debian_release_reads_yaml_and_provisions_once(newer: Machine, ca: Authority, tmp_path: Path) -> None:
    """Newer versions of dracut, systemd, Python and the tools. The server has a certificate of a private authority."""
    path = tmp_path / "site.bu"
    with serving(PAYLOAD, ca.issue(FROM_THE_GUEST)) as server:
        path.write_text(as_yaml(config(server.url), ca.certificate.decode()))
        first = newer.boot("provision.firstboot=auto", path)
        check_provisioned(first.reported)
        asked = server.asked
        second = newer.boot("provision.firstboot=auto", path)
        assert server.asked == asked
    check_unchanged(first, second)


def test_an_initrd_of_mkosi_provisions_once(
    next_release: DebianRoot, newer: Machine, server: Server, config_file: Path
) -> None:
    initrd = next_release.folder / "mkosi"
    first = newer.boot("provision.firstboot=auto", config_file, initramfs=initrd)
    check_provisioned(first.reported)
    asked = server.asked
    second = newer.boot("provision.firstboot=auto", config_file, initramfs=initrd)
    assert server.asked == asked
    check_unchanged(first, second)


def test_an_initrd_of_mkosi_shows_why_a_boot_stopped(next_release: DebianRoot, newer: Machine, tmp_path: Path) -> None:
    path = tmp_path / "config.ign"
    path.write_text('{"ignition": {"version": "9.0.0"}}')
    arguments = "provision.firstboot=auto provision.on_failure=poweroff"
    boot = newer.boot(arguments, path, initramfs=next_release.folder / "mkosi")
    assert boot.report is None, "the boot went on"
    for console in (boot.console, boot.second_console):
        assert console.count("The first boot stopped: provision-look.service failed (exit-code)") == 1
        assert "qemu:1:26: ignition.version: unsupported config version (hint: " in console
