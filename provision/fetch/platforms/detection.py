"""Which platform this is, by what its firmware says: for `auto`, and for nobody else.

A metadata address is asked only where the platform is named or proven; whoever could answer at 169.254.169.254 on any
network would else decide what a machine becomes (CVE-2024-6174).
Source of the marks: the platforms' documentation, and cloud-init's tools/ds-identify.
"""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import Usage
from provision.fetch.running_system import RunningSystem

AUTO = "auto"
DMI = "/sys/class/dmi/id/"


class DmiMark(NamedTuple):
    """A platform, and the DMI field whose text begins so on it."""

    platform: str
    field: str
    beginning: str


MARKS = (
    DmiMark("akamai", "sys_vendor", "Akamai"),
    DmiMark("akamai", "sys_vendor", "Linode"),
    DmiMark("aliyun", "product_name", "Alibaba Cloud ECS"),
    DmiMark("applehv", "product_name", "Apple Virtualization"),
    DmiMark("aws", "sys_vendor", "Amazon EC2"),
    DmiMark("aws", "bios_vendor", "Amazon EC2"),
    DmiMark("azure", "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
    DmiMark("cloudstack", "product_name", "CloudStack"),
    DmiMark("digitalocean", "sys_vendor", "DigitalOcean"),
    DmiMark("exoscale", "sys_vendor", "Exoscale"),
    DmiMark("gcp", "product_name", "Google Compute Engine"),
    DmiMark("hetzner", "sys_vendor", "Hetzner"),
    DmiMark("kubevirt", "product_name", "KubeVirt"),
    DmiMark("nutanix", "sys_vendor", "Nutanix"),
    DmiMark("openstack", "product_name", "OpenStack Nova"),
    DmiMark("openstack", "product_name", "OpenStack Compute"),
    DmiMark("oraclecloud", "chassis_asset_tag", "OracleCloud.com"),
    DmiMark("scaleway", "sys_vendor", "Scaleway"),
    DmiMark("upcloud", "sys_vendor", "UpCloud"),
    DmiMark("virtualbox", "product_name", "VirtualBox"),
    DmiMark("vmware", "sys_vendor", "VMware"),
    DmiMark("vultr", "sys_vendor", "Vultr"),
    # these say less than the ones above, and come last
    DmiMark("hyperv", "product_name", "Virtual Machine"),
    DmiMark("qemu", "sys_vendor", "QEMU"),
)
"""The first that fits counts."""


SHARED_FIRMWARE = (
    {"azure", "azurestack", "hyperv"},
    {"openstack", "brightbox"},
    {"exoscale", "cloudstack"},
)
"""Platforms that one firmware may stand for."""

ANYWHERE = frozenset({"metal", "file"})
HYPERVISORS = frozenset({"qemu", "hyperv", "kubevirt", "nutanix", "virtualbox", "vmware", "applehv"})
"""What carries platforms that have no mark of their own proves nothing against them."""


def contradiction(platform: str, running_system: RunningSystem) -> str:
    """The platform that the firmware proves against the named one, and by what; empty if it is silent."""
    found = _mark(running_system)
    if found is None or platform in {found.platform, *ANYWHERE} or found.platform in HYPERVISORS:
        return ""
    if any({platform, found.platform} <= kin for kin in SHARED_FIRMWARE):
        return ""
    return f"{found.platform} ({found.field} {_says(running_system, found.field)!r})"


def detect(running_system: RunningSystem) -> str:
    """The platform that the firmware proves. Raises Usage if it proves none."""
    found = _mark(running_system)
    if found is None:
        seen = ", ".join(f"{name} {_says(running_system, name)!r}" for name in ("sys_vendor", "product_name"))
        raise Usage(f"this is no platform that can be told by its firmware ({seen})", hint="name it with --platform")
    return found.platform


def _mark(running_system: RunningSystem) -> DmiMark | None:
    return next((mark for mark in MARKS if _says(running_system, mark.field).startswith(mark.beginning)), None)


def _says(running_system: RunningSystem, field: str) -> str:
    return running_system.read_text(DMI + field).strip()
