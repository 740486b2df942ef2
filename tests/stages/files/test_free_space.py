"""Files that certainly do not fit are refused before anything is changed; files that may fit are not."""

from __future__ import annotations

import gzip
import os
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.format import Config, Disk, File, Filesystem, Link, Partition, Resource, Storage
from provision.config.resources.content import inline_content
from provision.failures import PlanRefused
from provision.planning.machine_view import FreeSpace
from provision.stages.disks import filesystems
from provision.stages.disks.partitions import decisions as partitions
from provision.stages.disks.required_size import minimum_size
from provision.stages.files import nodes
from tests.stages.world import MIB, World, run

KIB = 1 << 10


def plain(size: int) -> Resource:
    return Resource(source="data:," + "x" * size)


def refused(world: World, *files: File) -> str:
    try:
        run(nodes.plan, Config(storage=Storage(files=files)), world)
    except PlanRefused as reasons:
        return reasons.message
    return ""


def world(free: int, **spaces: FreeSpace) -> World:
    made = World()
    made.spaces = {"/": FreeSpace("root", free), **{f"/{name}": space for name, space in spaces.items()}}
    return made


def test_more_than_is_free_is_refused() -> None:
    files = [File(path=f"/etc/{name}", contents=plain(600)) for name in "ab"]
    assert refused(world(1200), *files) == ""
    assert refused(world(1199), *files) == (
        "storage.files[0]: the file system of /etc has 1.2 KiB free, and 1.2 KiB are written to it"
    )
    assert refused(World(), *files) == ""


def test_each_file_system_has_its_own_room() -> None:
    small = world(10 * KIB, var=FreeSpace("var", 100))
    assert refused(small, File(path="/etc/a", contents=plain(600))) == ""
    assert refused(small, File(path="/var/a", contents=plain(600))).startswith(
        "storage.files[0]: the file system of /var "
    )
    one = world(700, var=FreeSpace("root", 700))
    assert refused(one, File(path="/etc/a", contents=plain(400)), File(path="/var/a", contents=plain(400)))


def test_what_is_replaced_makes_room() -> None:
    there = world(100).with_file("/etc/a", b"y" * 550)
    file = File(path="/etc/a", overwrite=True, contents=plain(600))
    assert refused(there, file) == ""
    assert refused(there, file.changed(contents=plain(700)))
    assert refused(there, File(path="/etc/a", append=(plain(101),)))


def test_space_freed_by_a_removed_directory_is_unknown() -> None:
    there = world(100).with_file("/etc/a/b", b"y")
    assert refused(there, File(path="/etc/a", overwrite=True, contents=plain(700))) == ""


def small_disk(format_: str, size: int, *, links: tuple[Link, ...] = ()) -> None:
    """Plan a disk with a file system of 8 MiB at /data and a file of this size in it."""
    device = "/dev/disk/by-partlabel/data"
    disks = (Disk(device="/dev/vda", partitions=(Partition(label="data", size_mib=8),)),)
    storage = Storage(
        disks=disks,
        filesystems=(Filesystem(device=device, format=format_, path="/data"),),
        files=(File(path="/data/a/b", contents=plain(size)),),
        links=links,
    )
    _, forecast = run(partitions.plan, Config(storage=storage), World().with_disk())
    run(filesystems.plan, Config(storage=storage), forecast)


def test_a_file_system_that_is_smaller_than_its_files() -> None:
    small_disk("ext4", 7 * MIB)
    with pytest.raises(PlanRefused, match="the device has 8 MiB, and the config's files for /data 9 MiB"):
        small_disk("ext4", 9 * MIB)


def test_files_that_may_go_elsewhere_or_be_compressed_are_not_counted() -> None:
    small_disk("ext4", 9 * MIB, links=(Link(path="/data/a", target="/var"),))
    small_disk("btrfs", 9 * MIB)


@given(st.binary(max_size=3000), st.sampled_from(["plain", "base64", "packed"]))
def test_a_file_has_at_least_its_least_size(data: bytes, form: str) -> None:
    if form == "plain":
        resource = Resource(source="data:," + "".join(f"%{byte:02x}" for byte in data))
    elif form == "base64":
        resource = Resource(source="data:;base64," + b64encode(data).decode())
    else:
        resource = Resource(source="data:;base64," + b64encode(gzip.compress(data)).decode(), compression="gzip")
    assert minimum_size(File(path="/a", contents=resource)) <= len(inline_content(resource) or b"") == len(data)


@pytest.mark.parametrize(
    ("source", "compression", "size"),
    [
        ("data:," + "x" * 1000, None, 1000),
        ("data:," + "%41" * 100, None, 100),
        ("data:;base64," + "QUJD" * 1000, None, 2998),
        ("data:;base64," + "QUJD" * 1000, "gzip", 2634),
        ("data:;base64,QUJD", "gzip", 0),
        ("https://example.com/a,b", None, 0),
        (None, None, 0),
    ],
)
def test_the_least_size_of_contents(source: str | None, compression: str | None, size: int) -> None:
    contents = Resource(source=source, compression=compression)
    assert minimum_size(File(path="/a", contents=contents, append=(contents,))) == 2 * size


def test_incompressible_bytes_grow_less_than_the_estimate_allows() -> None:
    data = os.urandom(1 * MIB)
    resource = Resource(source="data:;base64," + b64encode(gzip.compress(data)).decode(), compression="gzip")
    assert 0.8 * len(data) < minimum_size(File(path="/a", contents=resource)) <= len(data)
