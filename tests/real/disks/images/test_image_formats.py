"""`provision apply --image` on images that are not raw: formats that QEMU can write are kept, others are refused."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.disks.images.test_apply import EXAMPLES, ONE_DISK, opened, provision
from tests.real.disks.loop_devices import MIB, blank, left_attached, mounted

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices"),
    pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="there is no qemu-storage-daemon"),
]

SIZE = 512 * MIB


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert left_attached(tmp_path) == []
    assert mounted(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")] == []


def qemu_img(*arguments: object) -> str:
    return subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def created(image: Path, name: str, *options: str) -> Path:
    qemu_img("create", "-q", "-f", name, *options, image, SIZE)
    return image


def info(image: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(qemu_img("info", "--output=json", image))
    return found


def check_provisioned(image: Path, folder: Path) -> None:
    raw = folder / "raw"
    qemu_img("convert", "-O", "raw", image, raw)
    with opened(raw, 1, folder / "one") as root:
        assert (root / "etc/motd").read_text() == "hello"
    raw.unlink()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("qcow2", ()),
        ("qcow2", ("-o", "compat=0.10,cluster_size=512k")),
        ("qcow2", ("-o", "preallocation=metadata,lazy_refcounts=on,extended_l2=on,cluster_size=128k")),
        ("vmdk", ("-o", "adapter_type=lsilogic")),
        ("vdi", ("-o", "static=on")),
        ("vdi", ()),
        ("vhdx", ("-o", "subformat=fixed")),
        ("vhdx", ()),
        ("vpc", ("-o", "force_size=on")),
        ("vpc", ("-o", "force_size=on,subformat=fixed")),
    ],
)
def test_an_image_keeps_its_format_and_its_options(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    image = created(tmp_path / "a,b.disk", name, *options)
    image.chmod(0o640)
    before = info(image)
    done = provision("apply", "-", "--image", image, stdin=ONE_DISK)
    assert done.returncode == 0, done.stderr
    after = info(image)
    for key in ("format", "virtual-size", "cluster-size"):
        assert after.get(key) == before.get(key), key
    for one in (before, after):  # a vmdk's content id changes with its contents
        one.get("format-specific", {}).get("data", {}).pop("cid", None)
        one.get("format-specific", {}).get("data", {}).pop("extents", None)
    assert after.get("format-specific") == before.get("format-specific")
    assert image.stat().st_mode & 0o777 == 0o640
    check_provisioned(image, tmp_path)


def test_a_backing_file_stays_one(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    base = created(tmp_path / "base/base.qcow2", "qcow2")
    assert provision("apply", "-", "--image", base, stdin=ONE_DISK).returncode == 0
    before = digest(base)
    image = tmp_path / "overlay.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", "-b", "base/base.qcow2", "-F", "qcow2", image)
    config = json.loads(json.dumps(ONE_DISK))
    config["storage"]["files"] = [{"path": "/etc/more", "contents": {"source": "data:,more"}}]
    done = provision("apply", "-", "--image", image, "--force", stdin=config)
    assert done.returncode == 0, done.stderr
    assert info(image)["backing-filename"] == "base/base.qcow2"
    assert digest(base) == before
    check_provisioned(image, tmp_path)


def test_snapshots_stay(tmp_path: Path) -> None:
    image = created(tmp_path / "a.qcow2", "qcow2")
    qemu_img("snapshot", "-c", "before", image)
    assert provision("apply", "-", "--image", image, stdin=ONE_DISK).returncode == 0
    assert [one["name"] for one in info(image)["snapshots"]] == ["before"]


def test_a_link_to_an_image_stays_a_link(tmp_path: Path) -> None:
    image = created(tmp_path / "a.qcow2", "qcow2")
    link = tmp_path / "link"
    link.symlink_to("a.qcow2")
    assert provision("apply", "-", "--image", link, stdin=ONE_DISK).returncode == 0
    assert link.readlink() == Path("a.qcow2")
    check_provisioned(image, tmp_path)


@pytest.mark.parametrize("name", ["qcow2", "vmdk", "vdi", "vhdx", "raw"])
def test_a_new_image_has_the_format_of_its_ending(name: str, tmp_path: Path) -> None:
    image = tmp_path / f"new.{'img' if name == 'raw' else name}"
    planned = provision("plan", "-", "--image", image, "--size", "512M", stdin=ONE_DISK)
    assert f"would be made, 512 MiB, {name}" in planned.stdout
    done = provision("apply", "-", "--image", image, "--size", "512M", stdin=ONE_DISK)
    assert done.returncode == 0, done.stderr
    assert info(image)["format"] == name
    check_provisioned(image, tmp_path)


def test_a_plan_looks_into_an_image_and_leaves_it(tmp_path: Path) -> None:
    image = created(tmp_path / "a.qcow2", "qcow2")
    assert provision("apply", "-", "--image", image, stdin=ONE_DISK).returncode == 0
    before = digest(image)
    planned = provision("plan", "-", "--image", image, "--verbose", stdin=ONE_DISK)
    assert "keep partition 1 'ROOT' of /dev/vda" in planned.stdout, planned.stderr
    assert digest(image) == before


def test_an_image_that_a_machine_uses_is_refused(tmp_path: Path) -> None:
    image = created(tmp_path / "a.qcow2", "qcow2")
    command = ["qemu-io", "-f", "qcow2", str(image)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as user:
        assert user.stdin is not None
        assert user.stdout is not None
        user.stdin.write("write 0 512\n")
        user.stdin.flush()
        assert user.stdout.readline()
        refused = provision("apply", "-", "--image", image, stdin=ONE_DISK)
        user.communicate("quit\n")
    assert (refused.returncode, "stop the virtual machine" in refused.stderr) == (1, True), refused.stderr


def test_without_qemu_it_says_what_to_install(tmp_path: Path) -> None:
    image = created(tmp_path / "a.qcow2", "qcow2")
    before = digest(image)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("blkid", "sfdisk", "cp"):
        (programs / name).symlink_to(shutil.which(name) or "")
    for command in ("plan", "apply"):
        done = provision(command, "-", "--image", image, stdin=ONE_DISK, PATH=str(programs))
        assert (done.returncode, "a qcow2 image" in done.stderr) == (1, True), done.stderr
        assert "install qemu-storage-daemon" in done.stderr
    assert digest(image) == before


def foreign(name: str, folder: Path) -> Path:
    """A file that is no disk image."""
    path = folder / f"file.{name}"
    match name:
        case "gzip" | "xz":
            path.write_bytes(subprocess.run([name, "-c"], input=b"text", capture_output=True, check=True).stdout)
        case "tar":
            with tarfile.open(path, "w") as archive:
                archive.add(__file__, arcname="file")
        case "unknown":
            path.write_bytes(bytes(MIB) + b"something" * 1000)
        case "ISO 9660":
            path.write_bytes(bytes(32768) + b"\1CD001\1" + bytes(4096))
        case "streamOptimized":
            created(path, "vmdk", "-o", "subformat=streamOptimized")
        case "several":
            created(path, "vmdk", "-o", "subformat=twoGbMaxExtentSparse")
        case "encrypted":
            with created(path, "qcow2").open("r+b") as file:  # the header says LUKS (docs/interop/qcow2.txt)
                file.seek(32)
                file.write(bytes([0, 0, 0, 2]))
        case "another file":
            created(path, "qcow2", "-o", f"data_file={folder}/data")
        case "regular file":
            qemu_img("create", "-q", "-u", "-f", "qcow2", "-b", "/dev/zero", "-F", "raw", path, SIZE)
        case "plain name":
            qemu_img("create", "-q", "-u", "-f", "qcow2", "-b", 'json:{"driver":"null-co"}', "-F", "raw", path, SIZE)
    return path


@pytest.mark.parametrize(
    "name",
    [
        *("gzip", "xz", "tar", "unknown", "ISO 9660", "streamOptimized", "several"),
        *("encrypted", "another file", "regular file", "plain name"),
    ],
)
def test_what_is_no_image_is_refused_by_name(name: str, tmp_path: Path) -> None:
    path = foreign(name, tmp_path)
    before = digest(path)
    for command in ("plan", "apply"):
        done = provision(command, "-", "--image", path, stdin=ONE_DISK)
        assert (done.returncode, done.stdout) == (1, "")
        assert name in done.stderr
        assert "Traceback" not in done.stderr
    assert digest(path) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 6 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("name", ["vdi", "raw"])
def test_a_full_disk_leaves_the_image_as_it_was(name: str, small_disk: Path) -> None:
    image = small_disk / "disk"
    if name == "vdi":
        created(image, name)
    before = digest(image) if image.exists() else ""
    size = [] if image.exists() else ["--size", "512M"]
    config = json.loads(json.dumps(ONE_DISK))
    config["storage"]["files"].append(
        {"path": "/large", "contents": {"source": f"data:,{random.randbytes(6 << 20).hex()}"}}
    )
    done = provision("apply", "-", "--image", image, *size, stdin=config)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert [path.name for path in small_disk.iterdir()] == (["disk"] if before else [])
    assert (digest(image) if before else "") == before


@pytest.mark.parametrize("name", ["/dev/stdin", "/proc/self/fd/0"])
def test_a_name_of_a_descriptor_is_no_image(name: str, tmp_path: Path) -> None:
    with created(tmp_path / "a.qcow2", "qcow2").open("rb") as file:
        argv = [sys.executable, "-m", "provision", "apply", str(EXAMPLES / "web-server.yaml"), "--image", name]
        done = subprocess.run(argv, stdin=file, capture_output=True, text=True, check=False)
    assert (done.returncode, "not a regular file" in done.stderr) == (1, True), done.stderr


def test_with_force_a_file_becomes_a_raw_image(tmp_path: Path) -> None:
    path = foreign("gzip", tmp_path)
    os.truncate(path, SIZE)
    assert provision("apply", "-", "--image", path, "--force", stdin=ONE_DISK).returncode == 0
    check_provisioned(path, tmp_path)


def test_an_empty_image_of_any_size_is_raw(tmp_path: Path) -> None:
    image = blank(tmp_path / "disk.img", 8 << 40)
    planned = provision("plan", "-", "--image", image, stdin=ONE_DISK)
    assert planned.returncode == 0, planned.stderr
