"""Find out by DMI which platform this is: for `auto`, and to refuse a named platform that the firmware contradicts.

A metadata service is asked only if its platform is named or proven by DMI, and DMI does not prove another one.
Otherwise any host that answers at 169.254.169.254 could give the machine a config (CVE-2024-6174).
Source of the DMI values: the platforms' documentation, and cloud-init's tools/ds-identify.
"""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import Failure, Usage
from provision.fetch.platforms.trust_settings import MISMATCH
from provision.fetch.running_system import RunningSystem
from provision.log import Log, silent

AUTO = "auto"
DMI = "/sys/class/dmi/id/"


class DmiMark(NamedTuple):
    """A DMI mark: `field` begins with this value on machines of the platform."""

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
"""The first mark that matches decides."""

SHARED_FIRMWARE = (
    {"azure", "azurestack", "hyperv"},
    {"openstack", "brightbox"},
    {"exoscale", "cloudstack"},
)
"""Platforms that have the same DMI values."""

WITHOUT_FIRMWARE = frozenset({"metal", "file"})
"""Platforms that are allowed with any firmware: they get no config from a service."""

HYPERVISORS = frozenset({"qemu", "hyperv", "kubevirt", "nutanix", "virtualbox", "vmware", "applehv"})
"""Hypervisors on which other platforms run, some without a DMI mark. Their marks do not contradict a named platform."""


def confirmed(platform: str, running_system: RunningSystem, log: Log = silent, *, allow_mismatch: bool = False) -> str:
    """The platform to use: the named one, or for `auto` the one that the firmware proves.

    Raises Usage if the name is `auto` and the firmware proves no platform. Raises Failure if the firmware proves
    another platform than the named one; with `allow_mismatch` this is a warning.
    """
    fields = _Fields(running_system)
    mark = next((mark for mark in MARKS if fields[mark.field].startswith(mark.beginning)), None)
    if platform == AUTO:
        if mark is None:
            seen = ", ".join(f"{name} {fields[name]!r}" for name in ("sys_vendor", "product_name"))
            raise Usage(f"the firmware does not name a known platform ({seen})", hint="name it with --platform")
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
    """The DMI fields by name. Each is read when it is first used; a field that the firmware does not have is empty."""

    def __init__(self, running_system: RunningSystem) -> None:
        super().__init__()
        self._running_system = running_system

    def __missing__(self, name: str) -> str:
        self[name] = self._running_system.read_text(DMI + name).strip()
        return self[name]
