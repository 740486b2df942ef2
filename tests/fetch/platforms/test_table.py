"""The table of platforms: complete, and described."""

from __future__ import annotations

import re

from docs.generate.platforms_page import page
from provision.fetch.platforms.drives import CONFIG_DRIVES
from provision.fetch.platforms.table import PLATFORMS

NAMES = (
    "akamai aliyun applehv aws azure azurestack brightbox cloudstack digitalocean exoscale file gcp hetzner hyperv "
    "ibmcloud kubevirt metal nutanix nvidiabluefield openstack oraclecloud packet powervs proxmoxve qemu scaleway "
    "upcloud virtualbox vmware vultr zvm"
)


def test_every_platform_of_ignition_is_there() -> None:
    assert list(PLATFORMS) == NAMES.split()


def test_proofs_are_of_three_kinds() -> None:
    assert {platform.proof for platform in PLATFORMS.values()} <= {"real", "recorded", "read"}


def test_every_config_drive_is_known_as_one() -> None:
    """A drive with a config does not show that the machine is in use."""
    labels = re.findall(r"drive labelled `([^`]*)`", page())
    assert {label.lower() for label in labels} == CONFIG_DRIVES
