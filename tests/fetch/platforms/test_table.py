"""The table of platforms: complete, described, and in step with its page."""

from __future__ import annotations

import re
from pathlib import Path

from docs.generate.platforms_page import page
from provision.fetch.platforms.drives import CONFIG_DRIVES
from provision.fetch.platforms.table import PLATFORMS

PAGE = Path(__file__).parents[3] / "docs/reference/platforms.md"

NAMES = (
    "akamai aliyun applehv aws azure azurestack brightbox cloudstack digitalocean exoscale file gcp hetzner hyperv "
    "ibmcloud kubevirt metal nutanix nvidiabluefield openstack oraclecloud packet powervs proxmoxve qemu scaleway "
    "upcloud virtualbox vmware vultr zvm"
)


def test_every_platform_of_the_reference_implementation_is_there() -> None:
    assert list(PLATFORMS) == NAMES.split()


def test_the_page_is_in_step() -> None:
    assert PAGE.read_text() == page(), "run: python -m docs.generate.platforms_page > docs/reference/platforms.md"


def test_proofs_are_of_three_kinds() -> None:
    assert {platform.proof for platform in PLATFORMS.values()} <= {"real", "recorded", "read"}


def test_every_config_drive_is_known_as_one() -> None:
    """A drive with a config is no sign that somebody uses the machine."""
    labels = re.findall(r"drive labelled `([^`]*)`", page())
    assert {label.lower() for label in labels} == CONFIG_DRIVES
