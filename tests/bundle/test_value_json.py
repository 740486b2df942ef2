"""Every answer of a machine keeps its value as JSON."""

from __future__ import annotations

import json

import pytest

from provision.bundle.value_json import answer_of, to_plain
from provision.planning.boot_state import BootState
from provision.planning.machine_view import (
    Account,
    Device,
    FileStatus,
    FileType,
    FreeSpace,
    LuksHeader,
    MountedFilesystem,
    PartitionEntry,
    PartitionTable,
    Signature,
)

STATE = BootState(
    seed="0",
    boot_id="1",
    started="2026-01-01T00:00:00Z",
    user_config=True,
    one_keys_file=True,
    made_directories=("/srv",),
    mounted=("/srv",),
    luks_devices={"a": "/dev/b"},
    fetched_configs=({"kind": "user", "source": "qemu", "referenced": False},),
    files_written=True,
    platform_files={"/etc/x": "data:,"},
    network_settings={"/etc/systemd/network/a.network": "[Match]"},
)


def test_the_state_has_a_value_in_every_field() -> None:
    assert [name for name, value in STATE._asdict().items() if value == BootState._field_defaults[name]] == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("boot_state", STATE),
        ("device", Device("/dev/a", 1 << 40, 4096, "mounted", read_only=True)),
        ("device", None),
        ("table", PartitionTable("gpt", "A", 512, 34, 99, (PartitionEntry(1, 2, 3, "T", "G", "ä"),), remains=None)),
        ("signature", Signature("ext4", None, "", ambivalent=True)),
        ("luks_header", LuksHeader(2, None, ("clevis",), "a")),
        ("file_status", FileStatus(FileType.LINK, None, 0, 0, "/x")),
        ("file_status", FileStatus(FileType.FILE, 0o644, 0, 0, None, 7, (1, (1 << 64) - 1))),
        ("children", ("a", "b")),
        ("content", b"\0\xff"),
        ("user", Account("a", None, 5, None, "/bin/sh")),
        ("free_space", FreeSpace("/dev/a", 7)),
        ("mount", MountedFilesystem("/", "/dev/a", "ext4")),
        ("mkfs_refusal", "no"),
        ("account_refusal", True),
    ],
)
def test_a_round_trip(question: str, answer: object) -> None:
    assert answer_of(question, json.loads(json.dumps(to_plain(answer)))) == answer
