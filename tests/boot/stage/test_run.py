"""One stage of a boot: what it is started with, and what it makes of files that are not as they should be."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest

from provision.boot.stage.run import Boot, uuid_seed
from provision.boot.stage.saved_state import read_state
from provision.config.json_text.decode import decode
from provision.config.resources.content import inline_content
from provision.failures import Failure
from provision.fetch.running_system import SystemPaths
from provision.log import open_log
from provision.system.running_system.local_system import LocalSystem


def boot(folder: Path, cache: str) -> Boot:
    (folder / "cache").write_text(cache)
    log = open_log(StringIO(), to_stdout=True)
    return Boot(
        "metal", str(folder), str(folder / "cache"), str(folder / "neednet"), 10.0, log, str(folder / "state"), {}
    )


def test_one_config_on_one_machine_has_one_seed() -> None:
    assert uuid_seed("config", ["a", "b"]) == uuid_seed("config", ["a", "b"])
    assert uuid_seed("config", ["a"]) != uuid_seed("other", ["a"])
    assert uuid_seed("config", ["a"]) != uuid_seed("config", ["b"])


def test_no_identity_makes_it_random() -> None:
    assert uuid_seed("config", []) != uuid_seed("config", [])


def test_a_stage_needs_no_state_of_ours(tmp_path: Path) -> None:
    """The reference takes a missing state file for an empty one, and its own has no seed."""
    boot(tmp_path, '{"ignition": {"version": "3.4.0"}}').run("disks")
    assert read_state(str(tmp_path / "state")).seed


@pytest.mark.parametrize("text", ["", "{}", '{"ignition": {"version": "9.0.0"}}', "nonsense"])
def test_a_cache_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Failure, match="is not what a fetch stage writes"):
        boot(tmp_path, text).run("disks")


def test_the_platform_auto_is_told_by_the_firmware_in_every_part_of_a_stage(tmp_path: Path) -> None:
    files = {
        "sys/class/dmi/id/sys_vendor": "QEMU",
        "sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw": '{"ignition": {"version": "3.4.0"}}',
        "usr/lib/ignition/base.platform.d/qemu/a.ign": """{"ignition": {"version": "3.4.0"},
            "storage": {"files": [{"path": "/a", "contents": {"source": "http://far.example/a"}}]}}""",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    machine = LocalSystem(SystemPaths(), str(tmp_path))
    boot(tmp_path, "")._replace(platform="auto").next_state("fetch-offline", machine)
    assert (tmp_path / "neednet").exists(), "the fragment of the platform counts"


def test_an_old_config_keeps_its_sectors_and_its_oem_files_between_stages(tmp_path: Path) -> None:
    partitions = [{"number": 1, "start": 2048, "size": 100}]
    file = {"filesystem": "root", "path": "/a", "mode": 420, "contents": {"source": "oem:///dir/a"}}
    storage = {"disks": [{"device": "/dev/sda", "partitions": partitions}], "files": [file]}
    files = {
        "etc/ignition/user.ign": json.dumps({"ignition": {"version": "2.2.0"}, "storage": storage}),
        "usr/share/oem/dir/a": "from the OEM partition\n",
    }
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text)
    stage = boot(tmp_path, "")
    stage.next_state("fetch-offline", LocalSystem(SystemPaths(), str(tmp_path)))
    kept = decode((tmp_path / "cache").read_bytes()).storage
    assert (kept.disks[0].partitions[0].start_sectors, kept.disks[0].partitions[0].size_sectors) == (2048, 100)
    assert inline_content(kept.files[0].contents) == b"from the OEM partition\n"
    assert not (tmp_path / "neednet").exists()
