"""Disks of a machine: what they are made from stays as it is."""

from __future__ import annotations

import tarfile
from pathlib import Path
from shutil import which

import pytest

from provision.failures import Failure, Usage
from provision.system.images.formats import image_format
from provision.system.virtual_machine.disk_images import blank_disk, check_size, overlay

needs_qemu = pytest.mark.skipif(which("qemu-img") is None, reason="qemu-img is not installed")


@needs_qemu
def test_an_overlay_leaves_its_base(tmp_path: Path) -> None:
    base = tmp_path / "a,b.qcow2"
    blank_disk(str(base), "64M")
    before = base.read_bytes()
    overlay(str(base), str(tmp_path / "overlay"))
    assert image_format(str(tmp_path / "overlay")) == "qcow2"
    assert base.read_bytes() == before


def test_what_is_no_disk_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        archive.add(__file__)
    (tmp_path / "zeros").write_bytes(bytes(1 << 20))
    for name, told in (("root.tar", "a tar archive"), ("zeros", "empty"), ("missing", "No such file")):
        with pytest.raises(Failure, match=told):
            overlay(str(tmp_path / name), str(tmp_path / "overlay"))


@pytest.mark.parametrize("size", ["", "0G", "10 G", "10G,x", "-1G", "1E"])
def test_a_size_is_a_number_with_a_unit(size: str) -> None:
    with pytest.raises(Usage, match="is no size"):
        check_size(size)


def test_usual_sizes() -> None:
    for size in ("512M", "10G", "2T", "1048576"):
        check_size(size)
