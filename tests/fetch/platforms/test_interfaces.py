"""Platforms that hand over the config through an interface of the kernel or the hypervisor.

No such devices can be had here, so these are recorded: a tree in the place of sysfs, programs that print what the real
ones print. Hyper-V, VirtualBox and VMware have files of their own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.failures import FetchFailed
from provision.fetch import zvm
from provision.fetch.acquire import Acquired, acquire
from provision.fetch.ground import Places
from provision.fetch.platforms import VIRTIO_BLOCK
from provision.fetch.settings import Settings
from provision.fetch.sources import site
from provision.system.ground import MachineGround
from tests.fetch.conftest import Words

CONFIG = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-the-host"}]}}'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "/proc/cmdline", b"quiet\n")
    return tmp_path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose programs are found before all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def write(root: Path, path: str, data: bytes) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def boot(root: Path, platform: str) -> Acquired:
    return acquire(platform, MachineGround(Places(), str(root)), Settings(http_total=2, offline=True))


def paths(acquired: Acquired) -> list[str]:
    return [file.path for file in acquired.config.storage.files]


def test_qemu_without_the_key_has_no_config(root: Path) -> None:
    assert not boot(root, "qemu").provided


def test_qemu_on_machines_without_firmware_config_reads_a_padded_block_device(root: Path, words: Words) -> None:
    write(root, "/dev/disk/by-id/virtio-ignition", CONFIG.ljust(4096, b"\0"))
    place = site(MachineGround(Places(), str(root)), Settings(), words)
    assert VIRTIO_BLOCK.fetch(place) == CONFIG


def test_a_block_device_that_never_comes_is_an_error(root: Path, words: Words) -> None:
    place = site(MachineGround(Places(), str(root)), Settings(), words)
    with pytest.raises(FetchFailed, match="not there after"):
        VIRTIO_BLOCK._replace(seconds=0.2).fetch(place)


def test_bluefield_reads_the_boot_fifo_and_trims_it(root: Path) -> None:
    write(root, "/sys/bus/platform/devices/MLNXBF04:00/bootfifo", CONFIG + bytes(64))
    assert paths(boot(root, "nvidiabluefield")) == ["/from-the-host"]


LISTING = """\
ORIGINID FILE CLASS RECORDS  CPY HOLD DATE  TIME     NAME      TYPE     DIST
T6360025 0001 V DMP 00000005 001 NONE 05-08 10:39:01 dump      cmm      T6360025
T6360025 0007 A PUN 00000012 001 NONE 05-08 10:40:01 config    ign      T6360025
"""


def test_zvm_receives_the_first_spool_file_of_the_type(root: Path, programs: Path) -> None:
    (root / "run").mkdir()
    write(root, "/listing", LISTING.encode())
    write(root, "/spooled", CONFIG.ljust(800, b"\0"))
    for name in ("modprobe", "udevadm", "cio_ignore"):
        program(programs, name, "exit 0")
    program(programs, "chccwdev", f"[ -e {root}/tried ] || {{ touch {root}/tried; exit 1; }}")
    program(
        programs,
        "vmur",
        f'case "$1" in li) cat {root}/listing;; re) [ "$2 $3" = "-f 0007" ] && cp {root}/spooled "$4";; esac',
    )
    assert paths(boot(root, "zvm")) == ["/from-the-host"]
    assert not list((root / "run").iterdir())


def test_zvm_without_such_a_file() -> None:
    assert zvm.first_of_type(LISTING.replace(" ign ", " txt ")) is None


def test_zvm_without_a_reader_says_so(root: Path, programs: Path) -> None:
    program(programs, "chccwdev", "exit 1")
    with pytest.raises(FetchFailed, match="could not be set online"):
        boot(root, "zvm")
