"""Places that configs come from."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from shutil import which

import pytest

from provision.system.virtual_machine.debian_root import DebianRoot
from tests.real.boot.equipment import encrypted_for_tpm, partitioned_root, tpm
from tests.real.boot.machine import Machine, cpio
from tests.real.boot.server import Server
from tests.real.boot.workload import check_provisioned, check_unchanged, config, sources, unusable

pytestmark = pytest.mark.boot


def test_a_credential_from_smbios_is_the_config(machine: Machine, tmp_path: Path, server: Server) -> None:
    handed_over = tmp_path / "smbios"
    text = b64encode(json.dumps(config(server.url)).encode()).decode()
    handed_over.write_text(f"io.systemd.credential.binary:ignition.config={text}")
    devices = ["-smbios", f"type=11,path={handed_over}"]
    first, second = (machine.boot("provision.firstboot=auto", unusable(tmp_path), devices=devices) for _ in range(2))
    check_provisioned(first.reported)
    assert sources(first) == {"credential ignition.config"}
    check_unchanged(first, second)


@pytest.mark.skipif(which("systemd-creds") is None, reason="systemd-creds is not installed")
@pytest.mark.skipif(which("swtpm") is None, reason="swtpm is not installed")
def test_the_next_release_decrypts_a_credential_for_its_tpm(newer: Machine, tmp_path: Path, server: Server) -> None:
    """The credential lies where systemd-stub puts it, in an archive beside the initramfs (systemd-stub(7))."""
    state = tmp_path / "tpm"
    credential = encrypted_for_tpm(state, "ignition.config", json.dumps(config(server.url)).encode())
    beside = cpio({".extra/credentials/ignition.config.cred": credential.decode()})
    with tpm(state) as devices:
        boot = newer.boot("provision.firstboot=auto", unusable(tmp_path), overlay=beside, devices=devices)
    check_provisioned(boot.reported)
    assert sources(boot) == {"credential ignition.config"}


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
