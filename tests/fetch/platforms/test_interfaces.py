"""Platforms that provide the config through an interface of the kernel or the hypervisor.

Test machines have no such devices, so these are recorded: a tree in place of sysfs, and programs that print what the
real ones print. Hyper-V, VirtualBox and VMware have their own files.
"""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.failures import FetchFailed
from provision.fetch.find_config import FoundConfig, find_config
from provision.fetch.platforms.context import fetch_context
from provision.fetch.platforms.table import VIRTIO_BLOCK
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.fetch.user_data.compression import decompressed
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.platforms import paths
from tests.recorded_log import RecordedLog

CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-host"}]}}'


def write(root: Path, path: str, data: bytes) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def boot(root: Path, platform: str) -> FoundConfig:
    return find_config(platform, LocalSystem(SystemPaths(), str(root)), FetchSettings(http_total=2, offline=True))


INTERFACES = {
    "qemu": "/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw",
    "nvidiabluefield": "/sys/bus/platform/devices/MLNXBF04:00/bootfifo",
}
YAML = b"variant: fcos\nversion: 1.4.0\nstorage: {files: [{path: /from-the-host}]}\n"

on_interfaces = pytest.mark.parametrize("platform", INTERFACES)


@on_interfaces
@pytest.mark.parametrize(
    "data",
    [CONFIG, YAML, gzip.compress(CONFIG), CONFIG.ljust(9000)],
    ids=["JSON", "YAML", "compressed", "of several pages"],
)
def test_config_present(root: Path, platform: str, data: bytes) -> None:
    write(root, INTERFACES[platform], data)
    assert paths(boot(root, platform)) == ["/from-the-host"]


@on_interfaces
def test_config_absent(root: Path, platform: str) -> None:
    assert not boot(root, platform).provided


@on_interfaces
def test_config_empty(root: Path, platform: str) -> None:
    write(root, INTERFACES[platform], b"")
    assert not boot(root, platform).provided


@on_interfaces
def test_config_huge(root: Path, platform: str) -> None:
    write(root, INTERFACES[platform], bytes(65 << 20))
    with pytest.raises(FetchFailed, match="larger than the limit of 32 MiB"):
        boot(root, platform)


@on_interfaces
def test_config_that_cannot_be_read(root: Path, platform: str) -> None:
    (root / INTERFACES[platform].lstrip("/")).mkdir(parents=True)
    with pytest.raises(FetchFailed, match="Is a directory"):
        boot(root, platform)


def test_qemu_on_machines_without_firmware_config_reads_a_padded_block_device(root: Path, log: RecordedLog) -> None:
    write(root, "/dev/disk/by-id/virtio-ignition", CONFIG.ljust(4096, b"\0"))
    context = fetch_context(LocalSystem(SystemPaths(), str(root)), FetchSettings(), log)
    assert VIRTIO_BLOCK.fetch(context) == CONFIG


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_padding_is_told_from_the_end_of_what_is_compressed(
    root: Path, pack: Callable[[bytes], bytes], log: RecordedLog
) -> None:
    write(root, "/dev/disk/by-id/virtio-ignition", pack(CONFIG).ljust(4096, b"\0"))
    context = fetch_context(LocalSystem(SystemPaths(), str(root)), FetchSettings(), log)
    assert decompressed(VIRTIO_BLOCK.fetch(context) or b"", "qemu") == CONFIG


def test_a_block_device_that_never_comes_is_an_error(root: Path, log: RecordedLog) -> None:
    context = fetch_context(LocalSystem(SystemPaths(), str(root)), FetchSettings(), log)
    with pytest.raises(FetchFailed, match="not there after"):
        VIRTIO_BLOCK._replace(seconds=0.2).fetch(context)


def test_bluefield_reads_the_boot_fifo_and_trims_it(root: Path) -> None:
    write(root, "/sys/bus/platform/devices/MLNXBF04:00/bootfifo", CONFIG + bytes(64))
    assert paths(boot(root, "nvidiabluefield")) == ["/from-the-host"]


LISTING = """\
ORIGINID FILE CLASS RECORDS  CPY HOLD DATE  TIME     NAME      TYPE     DIST
T6360025 0001 V DMP 00000005 001 NONE 05-08 10:39:01 dump      cmm      T6360025
T6360025 0007 A PUN 00000012 001 NONE 05-08 10:40:01 config    ign      T6360025
"""


@pytest.fixture
def reader(root: Path, programs: Path) -> Path:
    """A z/VM reader that must be enabled before it is online; returns the file with its listing."""
    (root / "run").mkdir()
    write(root, "/listing", LISTING.encode())
    write(root, "/spooled", CONFIG.ljust(800, b"\0"))
    for name in ("modprobe", "udevadm"):
        program(programs, name, "exit 0")
    program(programs, "cio_ignore", f'[ "$*" = "-r 000c" ] && touch {root}/told')
    program(programs, "chccwdev", f'[ "$*" = "-e 000c" ] && [ -e {root}/told ]')
    receive = f'[ "$2 $3" = "-f 0007" ] && cp {root}/spooled "$4"'
    program(programs, "vmur", f'case "$1" in li) cat {root}/listing;; re) {receive};; esac')
    return root / "listing"


def test_zvm_receives_the_first_spool_file_of_the_type(root: Path, reader: Path) -> None:
    assert reader.exists()
    assert paths(boot(root, "zvm")) == ["/from-the-host"]
    assert not list((root / "run").iterdir())


@pytest.mark.parametrize("listing", [LISTING.replace(" ign ", " txt "), LISTING.splitlines()[0], ""])
def test_zvm_without_such_a_file(root: Path, reader: Path, listing: str) -> None:
    reader.write_text(listing)
    assert not boot(root, "zvm").provided


def test_zvm_that_tells_nothing_says_so(root: Path, reader: Path) -> None:
    reader.unlink()
    with pytest.raises(FetchFailed, match="could not be listed"):
        boot(root, "zvm")


def test_zvm_whose_file_is_gone_says_so(root: Path, reader: Path) -> None:
    reader.write_text(LISTING.replace("0007", "0008"))
    with pytest.raises(FetchFailed, match="spool file 0008: could not be received"):
        boot(root, "zvm")
    assert not list((root / "run").iterdir())


def test_zvm_without_a_reader_says_so(root: Path, programs: Path) -> None:
    program(programs, "chccwdev", "exit 1")
    with pytest.raises(FetchFailed, match="could not be set online"):
        boot(root, "zvm")
