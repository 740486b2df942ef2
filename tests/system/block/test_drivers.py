"""Drivers of file systems that are loaded while something else runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provision.system.block.drivers import loading, missing


@pytest.fixture
def modprobe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A modprobe that writes its arguments to a file when it may; opening this FIFO for writing lets it."""
    os.mkfifo(tmp_path / "go")
    (tmp_path / "modprobe").write_text(f'#!/bin/sh\nread -r _ <{tmp_path}/go\necho "$@" >{tmp_path}/loaded\nexit 1\n')
    (tmp_path / "modprobe").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_what_the_kernel_knows_is_not_missing() -> None:
    assert missing(["proc", "unknown-b", "tmpfs", "unknown-a", "unknown-a"]) == ["unknown-a", "unknown-b"]


def test_drivers_are_loaded_while_the_block_runs_and_waited_for(modprobe: Path) -> None:
    with loading(["tmpfs", "unknown-a", "unknown-b"]):
        # it cannot go on before this
        (modprobe / "go").write_text("go\n")
    assert (modprobe / "loaded").read_text() == "--all --quiet -- unknown-a unknown-b\n"


def test_nothing_is_started_for_what_the_kernel_knows(modprobe: Path) -> None:
    with loading(["tmpfs"]):
        pass
    assert not (modprobe / "loaded").exists()


def test_without_modprobe_and_after_an_error_the_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = []
    with loading(["unknown"]):
        done.append(1)
    (tmp_path / "modprobe").write_bytes(b"no program")
    (tmp_path / "modprobe").chmod(0o755)
    with pytest.raises(ZeroDivisionError), loading(["unknown"]):
        done.append(1 // 0)
    assert done == [1]
