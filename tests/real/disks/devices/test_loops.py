"""Loop devices, attached in one call, and in steps as before Linux 5.8."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.system.block import sysfs
from provision.system.block.loops import Configure, Loop, attached_to, configure_in_one_call, configure_in_steps
from tests.real.disks.loop_devices import MIB, blank, left_attached, loop

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]


@pytest.fixture(params=[configure_in_one_call, configure_in_steps], ids=["at once", "step by step"])
def configure(request: pytest.FixtureRequest) -> Configure:
    way: Configure = request.param
    return way


@pytest.mark.parametrize("sector", [512, 4096])
def test_a_part_of_a_file_is_a_device(configure: Configure, sector: int, tmp_path: Path) -> None:
    image = blank(tmp_path / "disk.img", 16 * MIB)
    image.write_bytes(b"x" * 16 * MIB)
    loop = Loop(str(image), 4 * MIB, 2 * MIB, sector, configure)
    block = sysfs.find(loop.node)
    assert block is not None
    assert (block.size, block.sector) == (2 * MIB, sector)
    with open(loop.node, "r+b") as device:
        assert device.read(1) == b"x"
        device.seek(MIB)
        device.write(b"y" * 4096)
    loop.detach()
    loop.wait_until_gone()
    assert left_attached(tmp_path) == []
    data = image.read_bytes()
    assert (data.count(b"y"), data.index(b"y")) == (4096, 5 * MIB)


def test_a_failed_attach_leaves_no_loop_device(configure: Configure, tmp_path: Path) -> None:
    image = blank(tmp_path / "disk.img", 16 * MIB)
    with pytest.raises(OSError, match="Invalid argument"):
        Loop(str(image), 0, MIB, 777, configure)
    assert left_attached(tmp_path) == []


def test_it_goes_with_its_process(configure: Configure, tmp_path: Path) -> None:
    image = blank(tmp_path / "disk.img", 16 * MIB)
    child = os.fork()
    if child == 0:
        Loop(str(image), 0, MIB, 512, configure)
        os._exit(0)
    os.waitpid(child, 0)
    assert left_attached(tmp_path) == []


def test_the_same_path_in_another_mount_namespace_is_another_file(tmp_path: Path) -> None:
    """As of two runs of `apply` at the same time: the views of both are at the same path."""
    folder = tmp_path / "views"
    folder.mkdir()
    image = blank(folder / "view0", MIB)
    script = (
        'mount -t tmpfs views "$0" && truncate --size=1M "$0/view0" && losetup --find --show "$0/view0" && exec cat'
    )
    argv = ["unshare", "--mount", "sh", "-c", script, str(folder)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        node = other.stdout.readline().strip()
        try:
            block = sysfs.find(node)
            assert block is not None
            assert block.backing_file == str(image)
            assert attached_to(str(image)) == ""
        finally:
            subprocess.run(["losetup", "--detach", node], check=True)
            other.communicate()
    with loop(image) as node:
        assert attached_to(str(image)) == node


def test_a_device_that_another_program_took_first_is_not_left_in_the_sandbox(tmp_path: Path) -> None:
    image, other = blank(tmp_path / "image", MIB), blank(tmp_path / "other", MIB)
    code = f"""
import errno, os
from provision.system.block.loops import Loop, configure_in_one_call
from provision.system.programs.sandbox import enter_sandbox
taken = []
def configure(loop, file, part):
    if not taken:
        taken.append(os.dup(loop))
        configure_in_one_call(loop, os.open({str(other)!r}, os.O_RDWR), part)
        raise OSError(errno.EBUSY, "taken")
    configure_in_one_call(loop, file, part)
enter_sandbox()
loop = Loop({str(image)!r}, 0, {MIB}, 512, configure)
assert taken
print([name for name in os.listdir("/dev") if name[4:].isdigit()] == [os.path.basename(loop.node)])
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("True\n", "")
