"""Mount units wait for the network only if the volume below them needs it."""

from __future__ import annotations

import json

import pytest

from transpiler.phases import transpile

TANG = "clevis: {tang: [{url: 'http://a', thumbprint: b}]}"
MAPPER, DM_NAME = "/dev/mapper/data", "/dev/disk/by-id/dm-name-data"


@pytest.mark.parametrize(
    ("device", "volume", "remote"),
    [
        (MAPPER, f"name: data, {TANG}", True),
        (DM_NAME, f"name: data, {TANG}", True),
        (MAPPER, "name: data, clevis: {tpm2: true}", False),
        (MAPPER, "name: data, key_file: {inline: a}", False),
        (MAPPER, f"name: other, {TANG}", False),
        ("/dev/data", f"name: data, {TANG}", False),
    ],
)
def test_a_mount_is_remote_if_a_tang_server_opens_its_volume(device: str, volume: str, remote: bool) -> None:
    text = (
        f"variant: fcos\nversion: 1.5.0\nstorage:\n  luks: [{{device: /dev/vda, {volume}}}]\n"
        f"  filesystems: [{{device: {device}, path: /a, format: ext4, with_mount_unit: true}}]\n"
    )
    unit = json.loads(transpile(text.encode()).json)["systemd"]["units"][0]["contents"]
    assert ("_netdev" in unit) == remote
    assert ("RequiredBy=remote-fs.target" in unit) == remote
    assert ("RequiredBy=local-fs.target" in unit) == (not remote)
