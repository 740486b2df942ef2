"""Which platform this is, by what its firmware says: for `auto`, and for nobody else.

A metadata address is asked only where the platform is named or proven; whoever could answer at 169.254.169.254 on any
network would else decide what a machine becomes (CVE-2024-6174).
Source of the marks: the platforms' documentation, and cloud-init's tools/ds-identify.
"""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import Usage
from provision.fetch.running_system import Ground

AUTO = "auto"
DMI = "/sys/class/dmi/id/"


class Mark(NamedTuple):
    """A platform, and the DMI field whose text begins so on it."""

    platform: str
    field: str
    beginning: str


MARKS = (
    Mark("akamai", "sys_vendor", "Akamai"),
    Mark("akamai", "sys_vendor", "Linode"),
    Mark("aliyun", "product_name", "Alibaba Cloud ECS"),
    Mark("applehv", "product_name", "Apple Virtualization"),
    Mark("aws", "sys_vendor", "Amazon EC2"),
    Mark("aws", "bios_vendor", "Amazon EC2"),
    Mark("azure", "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
    Mark("cloudstack", "product_name", "CloudStack"),
    Mark("digitalocean", "sys_vendor", "DigitalOcean"),
    Mark("exoscale", "sys_vendor", "Exoscale"),
    Mark("gcp", "product_name", "Google Compute Engine"),
    Mark("hetzner", "sys_vendor", "Hetzner"),
    Mark("kubevirt", "product_name", "KubeVirt"),
    Mark("nutanix", "sys_vendor", "Nutanix"),
    Mark("openstack", "product_name", "OpenStack Nova"),
    Mark("openstack", "product_name", "OpenStack Compute"),
    Mark("oraclecloud", "chassis_asset_tag", "OracleCloud.com"),
    Mark("scaleway", "sys_vendor", "Scaleway"),
    Mark("upcloud", "sys_vendor", "UpCloud"),
    Mark("virtualbox", "product_name", "VirtualBox"),
    Mark("vmware", "sys_vendor", "VMware"),
    Mark("vultr", "sys_vendor", "Vultr"),
    # these say less than the ones above, and come last
    Mark("hyperv", "product_name", "Virtual Machine"),
    Mark("qemu", "sys_vendor", "QEMU"),
)
"""The first that fits counts."""


KINDRED = (
    {"azure", "azurestack", "hyperv"},
    {"openstack", "brightbox"},
    {"exoscale", "cloudstack"},
)
"""Platforms that one firmware may stand for."""

ANYWHERE = frozenset({"metal", "file"})
HYPERVISORS = frozenset({"qemu", "hyperv", "kubevirt", "nutanix", "virtualbox", "vmware", "applehv"})
"""What carries platforms that have no mark of their own proves nothing against them."""


def contradiction(platform: str, ground: Ground) -> str:
    """The platform that the firmware proves against the named one, and by what; empty if it is silent."""
    found = _mark(ground)
    if found is None or platform in {found.platform, *ANYWHERE} or found.platform in HYPERVISORS:
        return ""
    if any({platform, found.platform} <= kin for kin in KINDRED):
        return ""
    return f"{found.platform} ({found.field} {_says(ground, found.field)!r})"


def detect(ground: Ground) -> str:
    """The platform that the firmware proves. Raises Usage if it proves none."""
    found = _mark(ground)
    if found is None:
        seen = ", ".join(f"{name} {_says(ground, name)!r}" for name in ("sys_vendor", "product_name"))
        raise Usage(f"this is no platform that can be told by its firmware ({seen})", hint="name it with --platform")
    return found.platform


def _mark(ground: Ground) -> Mark | None:
    return next((mark for mark in MARKS if _says(ground, mark.field).startswith(mark.beginning)), None)


def _says(ground: Ground, field: str) -> str:
    return ground.read_text(DMI + field).strip()
