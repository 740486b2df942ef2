"""Which platform this is, by what its firmware says: to find it (`auto`), and to refuse one that cannot be right.

A metadata address is asked only where the platform is named or proven, and not contradicted. Otherwise whoever answers
at 169.254.169.254 on some network would decide what a machine becomes (CVE-2024-6174).
Source of the marks: the platforms' documentation, and cloud-init's tools/ds-identify.
"""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import Failure, Usage
from provision.fetch.platforms.trust import MISMATCH
from provision.fetch.running_system import RunningSystem
from provision.log import Log, silent

AUTO = "auto"
DMI = "/sys/class/dmi/id/"


class DmiMark(NamedTuple):
    """A platform, and the beginning of a DMI field that proves it."""

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
    # less specific than those above, so they come last
    DmiMark("hyperv", "product_name", "Virtual Machine"),
    DmiMark("qemu", "sys_vendor", "QEMU"),
)
"""The first that matches counts."""

SHARED_FIRMWARE = (
    {"azure", "azurestack", "hyperv"},
    {"openstack", "brightbox"},
    {"exoscale", "cloudstack"},
)
"""Platforms that one firmware may stand for."""

WITHOUT_FIRMWARE = frozenset({"metal", "file"})
"""Platforms that any firmware may stand for: they get no config from a service."""

HYPERVISORS = frozenset({"qemu", "hyperv", "kubevirt", "nutanix", "virtualbox", "vmware", "applehv"})
"""Platforms that also carry other platforms, which have no mark of their own: their marks contradict nothing."""


def confirmed(platform: str, running_system: RunningSystem, log: Log = silent, *, allow_mismatch: bool = False) -> str:
    """The platform to use: the named one, or for `auto` the one that the firmware proves.

    Raises Usage if `auto` is asked for and the firmware proves none. Raises Failure if the firmware proves another
    platform than the named one, unless that is allowed: then it is a warning.
    """
    fields = _Fields(running_system)
    mark = next((mark for mark in MARKS if fields[mark.field].startswith(mark.beginning)), None)
    if platform == AUTO:
        if mark is None:
            seen = ", ".join(f"{name} {fields[name]!r}" for name in ("sys_vendor", "product_name"))
            raise Usage(f"the firmware does not tell the platform ({seen})", hint="name it with --platform")
        return mark.platform
    if mark is not None and _contradicts(mark.platform, platform):
        told = f"{mark.platform} ({mark.field} {fields[mark.field]!r})"
        message = f"the platform is named {platform}, but the firmware says that this is {told}"
        if not allow_mismatch:
            hint = f"set ignition.platform.id={mark.platform}; or add {MISMATCH}=allow if {platform} is right"
            raise Failure(message, hint=hint)
        log("warning", message)
    return platform


def _contradicts(proven: str, named: str) -> bool:
    if named in {proven, *WITHOUT_FIRMWARE} or proven in HYPERVISORS:
        return False
    return not any({named, proven} <= platforms for platforms in SHARED_FIRMWARE)


class _Fields(dict[str, str]):
    """The DMI fields by name, each read when it is first asked for; empty where the firmware has none."""

    def __init__(self, running_system: RunningSystem) -> None:
        super().__init__()
        self._running_system = running_system

    def __missing__(self, name: str) -> str:
        self[name] = self._running_system.read_text(DMI + name).strip()
        return self[name]
