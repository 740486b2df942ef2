"""Platforms whose config is on a drive with a label: real file systems on loop devices, mounted by the engine."""

from __future__ import annotations

import gzip
import os
import threading
import time
from pathlib import Path

import pytest

from provision.failures import FetchFailed
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.platforms.context import FetchContext, fetch_context
from provision.fetch.platforms.drives import Drive
from provision.fetch.platforms.sources import ConfigFile, Together
from provision.fetch.platforms.trust_settings import TrustPolicy
from provision.fetch.retry import now
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem, read_below
from tests.fetch.platforms import paths
from tests.fetch.platforms.drives import DRIVES, OPENSTACK, drive, plug
from tests.recorded_log import RecordedLog

pytestmark = pytest.mark.disks

CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-drive"}]}}'


def boot(root: Path, platform: str, log: RecordedLog, grace: float = 8.0) -> FoundConfig:
    return find_config(
        platform, LocalSystem(SystemPaths(), str(root)), FetchSettings(http_total=2, network_wait=1, grace=grace), log
    )


on_drives = pytest.mark.parametrize(("platform", "label", "file"), DRIVES)


@on_drives
def test_config_present(root: Path, log: RecordedLog, platform: str, label: str, file: str) -> None:
    with drive(root, label, {file: CONFIG}):
        assert paths(boot(root, platform, log)) == ["/from-the-drive"]


@on_drives
def test_config_absent(root: Path, log: RecordedLog, platform: str, label: str, file: str) -> None:
    with drive(root, label, {f"{file}.other": b"x"}):
        assert not boot(root, platform, log).provided


@on_drives
def test_config_empty(root: Path, log: RecordedLog, platform: str, label: str, file: str) -> None:
    with drive(root, label, {file: b""}):
        assert not boot(root, platform, log).provided


@on_drives
def test_config_compressed(root: Path, log: RecordedLog, platform: str, label: str, file: str) -> None:
    with drive(root, label, {file: gzip.compress(CONFIG)}):
        assert paths(boot(root, platform, log)) == ["/from-the-drive"]


@pytest.mark.parametrize(("platform", "label"), sorted({row[:2] for row in DRIVES}))
def test_a_drive_of_no_format(root: Path, log: RecordedLog, platform: str, label: str) -> None:
    garbage = root / "dev/disk/by-label" / label
    garbage.parent.mkdir(parents=True)
    garbage.symlink_to(root / "proc/cmdline")
    with pytest.raises(FetchFailed, match="cannot be mounted"):
        boot(root, platform, log, grace=0.5)


def test_a_huge_file_is_not_read_to_its_end(root: Path, log: RecordedLog) -> None:
    with drive(root, "config-2", {OPENSTACK: bytes(65 << 20)}), pytest.raises(FetchFailed, match="limit of 32 MiB"):
        boot(root, "nutanix", log)


def test_proxmox_skips_what_is_for_cloud_init(root: Path, log: RecordedLog) -> None:
    with drive(root, "cidata", {"/user-data": b"#cloud-config\nusers: []\n", "/vendor-data": CONFIG}):
        assert paths(boot(root, "proxmoxve", log)) == ["/from-the-drive"]


def test_others_convert_it(root: Path, log: RecordedLog) -> None:
    text = b"#cloud-config\nwrite_files: [{path: /a}]\n"
    with drive(root, "cidata", {"/user-data": text}):
        assert paths(boot(root, "ibmcloud", log)) == ["/a"]


def test_a_drive_that_never_comes_means_no_config_after_its_time(root: Path, log: RecordedLog) -> None:
    context = fetch_context(LocalSystem(SystemPaths(), str(root)), FetchSettings(), log)
    assert Drive("cidata", ("/user-data",), 0.3).fetch(context) is None
    assert "no drive labelled cidata" in str(log)


def test_a_late_drive_is_waited_for(root: Path, log: RecordedLog) -> None:
    with drive(root, "config-2", {OPENSTACK: CONFIG}, linked=False) as link:
        node = (root / "config-2.node").read_text()
        threading.Timer(0.5, plug, (link, node)).start()
        began = time.monotonic()
        assert paths(boot(root, "nutanix", log)) == ["/from-the-drive"]
        assert 0.4 < time.monotonic() - began < 20


def test_a_drive_that_cannot_be_mounted_does_not_end_the_race(root: Path, log: RecordedLog) -> None:
    garbage = root / "dev/disk/by-label/CONFIG-2"
    garbage.parent.mkdir(parents=True)
    garbage.symlink_to(root / "proc/cmdline")
    with drive(root, "config-2", {OPENSTACK: CONFIG}):
        assert paths(boot(root, "openstack", log)) == ["/from-the-drive"]


def test_a_folder_that_the_hypervisor_shares_is_a_drive(root: Path) -> None:
    """The tag as the kernel shows it: with a byte 0 at its end, newer ones with a line break too."""
    for device, tag in (("virtio3", "home\0"), ("virtio4", "config-2\0\n")):
        folder = root / "sys/bus/virtio/drivers/9pnet_virtio" / device
        folder.mkdir(parents=True)
        (folder / "mount_tag").write_text(tag)
    system = LocalSystem(SystemPaths(), str(root))
    assert system.drive("config-2") == "9p:config-2"
    assert system.drive("cidata") is None
    assert system.external_bus("9p:config-2") == ""
    with pytest.raises(FetchFailed, match=r"9p:config-2: cannot be mounted"):  # there is no such share here
        system.read_from("9p:config-2", "/openstack/latest/user_data")


def test_a_pipe_on_a_drive_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "user_data")
    with pytest.raises(FetchFailed, match=r"config-2: /user_data: is not a regular file"):
        read_below(str(tmp_path), "/user_data", "config-2: ")


def test_a_drive_named_on_the_kernel_command_line(root: Path, log: RecordedLog) -> None:
    (root / "proc/cmdline").write_text("ignition.config.device=MY\\x20DATA ignition.config.path=a/../../b.ign\n")
    with drive(root, "MY-DATA", {"/b.ign": CONFIG}):
        (root / "proc/cmdline").write_text("ignition.config.device=MY-DATA ignition.config.path=a/../../b.ign\n")
        acquired = boot(root, "metal", log)
        assert paths(acquired) == ["/from-the-drive"]
        (root / "proc/cmdline").write_text("ignition.config.device=MY-DATA ignition.config.path=/c.ign\n")
        with pytest.raises(FetchFailed, match="not found"):
            boot(root, "metal", log)


def test_no_link_on_a_drive_leads_out_of_it(root: Path, log: RecordedLog) -> None:
    content = root / "content-config-2/openstack/latest"
    content.mkdir(parents=True)
    (content / "user_data").symlink_to("/etc/hostname")
    with drive(root, "config-2", {"/x": b""}):
        assert not boot(root, "nutanix", log).provided


def test_nothing_stays_mounted(root: Path, log: RecordedLog) -> None:
    with drive(root, "config-2", {OPENSTACK: CONFIG}):
        boot(root, "nutanix", log)
        assert (root / "config-2.node").read_text() not in Path("/proc/self/mountinfo").read_text()
        assert not list(Path("/run/provision-drives").glob(f"{os.getpid()}-*"))


def test_all_that_failed_is_named(root: Path, log: RecordedLog) -> None:
    garbage = root / "dev/disk/by-label"
    garbage.mkdir(parents=True)
    for label in ("a", "b"):
        (garbage / label).symlink_to(root / "proc/cmdline")
    context = fetch_context(LocalSystem(SystemPaths(), str(root)), FetchSettings(), log)
    with pytest.raises(FetchFailed) as failed:
        Together((Drive("a", ("/x",)), Drive("b", ("/x",)))).fetch(context)
    assert failed.value.message.count("cannot be mounted") == 2


def attach(root: Path, node: str, way: str) -> None:
    """Make the entry of sysfs that shows how a drive is attached."""
    name = Path(node).name
    context = root / "sys/devices" / way / "block" / name
    context.mkdir(parents=True)
    link = root / "sys/class/block" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(context)


USB = "pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0"


@on_drives
def test_a_config_drive_on_usb_is_passed_over(
    root: Path, log: RecordedLog, platform: str, label: str, file: str
) -> None:
    with drive(root, label, {file: CONFIG}):
        node = (root / f"{label}.node").read_text()
        attach(root, node, USB)
        settings = FetchSettings(http_total=1, network_wait=0.5, grace=0.5, ends_at=now() + 2)
        with pytest.raises(FetchFailed):
            find_config(platform, LocalSystem(SystemPaths(), str(root)), settings, log)
        assert f"{node} is attached by USB, and is not trusted; add provision.config.drive=any" in str(log)


@pytest.mark.parametrize("setting", ["proc/cmdline", "usr/lib/ignition/provision.conf"])
def test_a_config_drive_on_usb_is_accepted_where_that_is_allowed(root: Path, log: RecordedLog, setting: str) -> None:
    (root / setting).parent.mkdir(parents=True, exist_ok=True)
    (root / setting).write_text("provision.config.drive=any\n")
    with drive(root, "config-2", {OPENSTACK: CONFIG}):
        attach(root, (root / "config-2.node").read_text(), USB)
        assert paths(boot(root, "nutanix", log)) == ["/from-the-drive"]


def test_a_drive_that_the_kernel_command_line_names_may_be_on_usb(root: Path, log: RecordedLog) -> None:
    (root / "proc/cmdline").write_text("ignition.config.device=MY-DATA ignition.config.path=/b.ign\n")
    with drive(root, "MY-DATA", {"/b.ign": CONFIG}):
        attach(root, (root / "MY-DATA.node").read_text(), USB)
        assert paths(boot(root, "metal", log)) == ["/from-the-drive"]


def test_no_config_drive_at_all(root: Path, log: RecordedLog) -> None:
    (root / "proc/cmdline").write_text("provision.config.drive=none\n")
    with (
        drive(root, "config-2", {OPENSTACK: CONFIG}),
        pytest.raises(FetchFailed, match=r"provision\.config\.drive=none"),
    ):
        boot(root, "nutanix", log)


def test_a_drive_that_is_not_looked_for_takes_no_time_from_the_others(root: Path, log: RecordedLog) -> None:
    (root / "config").write_text("found")

    class Late(ConfigFile):
        def fetch(self, context: FetchContext) -> bytes | None:
            time.sleep(0.5)
            return super().fetch(context)

    running_system = LocalSystem(SystemPaths(config_file=str(root / "config")))
    context = fetch_context(running_system, FetchSettings(grace=0.1), log, trust=TrustPolicy(config_drive="none"))
    assert Together((Drive("config-2", ("/x",)), Late())).fetch(context) == b"found"


@pytest.mark.parametrize(
    ("way", "bus"),
    [
        (USB, "USB"),
        ("pci0000:00/0000:00:07.0/fw0/fw0.0/host3", "FireWire"),
        ("pci0000:00/0000:00:01.1/ata2/host1/target1:0:0/1:0:0:0", ""),
        ("pci0000:00/0000:00:05.0/virtio2", ""),
        ("virtual", ""),
        ("", ""),
    ],
)
def test_the_bus_of_a_drive(tmp_path: Path, way: str, bus: str) -> None:
    attach(tmp_path, "/dev/sdx", way)
    assert LocalSystem(SystemPaths(), str(tmp_path)).external_bus("/dev/sdx") == bus


@pytest.mark.parametrize(
    ("attribute", "text", "is_external"),
    [("removable", "removable", True), ("removable", "fixed", False), ("type", "SD", True), ("type", "MMC", False)],
)
def test_a_card_or_an_external_port(tmp_path: Path, attribute: str, text: str, *, is_external: bool) -> None:
    attach(tmp_path, "/dev/sdx", "pci0000:00/0000:00:1c.0/host/card")
    (tmp_path / "sys/devices/pci0000:00/0000:00:1c.0/host/card" / attribute).write_text(f"{text}\n")
    (tmp_path / "sys/devices/pci0000:00/0000:00:1c.0/host/card/block/sdx/removable").write_text("1\n")
    assert bool(LocalSystem(SystemPaths(), str(tmp_path)).external_bus("/dev/sdx")) == is_external


def test_a_drive_that_sysfs_does_not_know_is_taken_for_internal(tmp_path: Path) -> None:
    assert LocalSystem(SystemPaths(), str(tmp_path)).external_bus("/dev/sdx") == ""
