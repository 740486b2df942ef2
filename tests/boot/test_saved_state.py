"""Private files of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.boot.saved_state import read_memory, write_memory
from provision.failures import Failure
from provision.planning.machine_view import Memory
from provision.system.private_files import read_private, write_private


def test_memory_comes_back_as_it_was(tmp_path: Path) -> None:
    memory: dict[str, Memory] = {"seed": "abc", "directories": ("/a", "/b"), "user-config-provided": True, "none": None}
    write_memory(str(tmp_path / "run" / "state"), memory)
    assert read_memory(str(tmp_path / "run" / "state")) == memory


def test_files_are_ours_alone_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_private(str(tmp_path / "run" / "cache"), b"one")
    write_private(str(tmp_path / "run" / "cache"), b"two")
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "run" / "cache").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["cache"]
    assert read_private(str(tmp_path / "run" / "cache")) == b"two"


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"kept")
    (tmp_path / "cache").symlink_to("elsewhere")
    write_private(str(tmp_path / "cache"), b"new")
    assert (tmp_path / "elsewhere").read_bytes() == b"kept"


def test_no_memory_is_an_empty_one(tmp_path: Path) -> None:
    assert read_memory(str(tmp_path / "state")) == {}


@pytest.mark.parametrize("content", [b"", b"nonsense", b"[1]"])
def test_a_broken_state_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(Failure, match="is not a state file"):
        read_memory(str(tmp_path / "state"))
