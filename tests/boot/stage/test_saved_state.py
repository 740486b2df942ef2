"""Private files of the engine."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from provision.boot.stage.saved_state import read_state, write_state
from provision.failures import Failure
from provision.planning.boot_state import BootState
from provision.system.private_files import erase_private, read_private, write_private


def test_the_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = BootState(
        seed="seed",
        boot_id="boot",
        started="2026-01-01T00:00:00Z",
        user_config=True,
        one_keys_file=True,
        made_directories=("/a", "/b"),
        mounted=("/a",),
        fetched_configs=({"kind": "user", "source": "qemu", "referenced": False},),
        files_written=True,
        luks_devices={"data": "/dev/vda"},
        platform_files={"/f": "data:,"},
        network_settings={"/etc/systemd/network/a.network": "[Match]"},
    )
    assert all(state), "every field is given"
    write_state(str(tmp_path / "run" / "state"), state)
    assert read_state(str(tmp_path / "run" / "state")) == state
    saved = json.loads((tmp_path / "run" / "state").read_text())
    assert saved["fetchedConfigs"] == [{"kind": "user", "source": "qemu", "referenced": False}], "as Ignition writes it"


def test_what_another_program_saved_there_is_ignored(tmp_path: Path) -> None:
    """Ignition's own state file."""
    for fetched in ("[]", "null"):
        (tmp_path / "state").write_text(f'{{"fetchedConfigs": {fetched}, "notatedDirectories": null}}')
        assert read_state(str(tmp_path / "state")) == BootState()


def test_files_are_ours_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_private(str(tmp_path / "run" / "cache"), b"one")
    write_private(str(tmp_path / "run" / "cache"), b"two")
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "run" / "cache").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["cache"]
    assert read_private(str(tmp_path / "run" / "cache")) == b"two"


def test_a_full_file_system_keeps_nothing_of_what_did_not_fit(tmp_path: Path) -> None:
    write_private(str(tmp_path / "cache"), b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(Failure, match="cache: "):
            write_private(str(tmp_path / "cache"), bytes(100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert (tmp_path / "cache").read_bytes() == b"before"


def test_what_a_killed_run_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "cache.new").write_bytes(b"half")
    write_private(str(tmp_path / "cache"), b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_what_is_erased_is_overwritten_first(tmp_path: Path) -> None:
    write_private(str(tmp_path / "cache"), b"canary")
    with (tmp_path / "cache").open("rb") as still_open:
        erase_private(str(tmp_path / "cache"))
        assert still_open.read() == bytes(6)
    assert list(tmp_path.iterdir()) == []
    erase_private(str(tmp_path / "cache"))


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"kept")
    (tmp_path / "cache").symlink_to("elsewhere")
    write_private(str(tmp_path / "cache"), b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"kept"


def test_no_file_is_an_empty_state(tmp_path: Path) -> None:
    assert read_state(str(tmp_path / "state")) == BootState()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[1]",
        b'{"seed": 1}',
        b'{"user_config": 1}',
        b'{"mounted": "/var"}',
        b'{"mounted": [1]}',
        b'{"luks_devices": {"a": null}}',
    ],
)
def test_a_broken_state_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(Failure, match="is not a state file"):
        read_state(str(tmp_path / "state"))
