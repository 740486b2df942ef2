"""One stage of a boot: what it is started with, and what it makes of files that are not as they should be."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest

from provision.boot.saved_state import read_state
from provision.boot.stage_run import Boot, seed
from provision.failures import Failure
from provision.log import open_log


def boot(folder: Path, cache: str) -> Boot:
    (folder / "cache").write_text(cache)
    log = open_log(StringIO(), to_stdout=True)
    return Boot(
        "metal", str(folder), str(folder / "cache"), str(folder / "neednet"), 10.0, log, str(folder / "state"), {}
    )


def test_one_config_on_one_machine_has_one_seed() -> None:
    assert seed("config", ["a", "b"]) == seed("config", ["a", "b"])
    assert seed("config", ["a"]) != seed("other", ["a"])
    assert seed("config", ["a"]) != seed("config", ["b"])


def test_no_identity_makes_it_random() -> None:
    assert seed("config", []) != seed("config", [])


def test_a_stage_needs_no_state_of_ours(tmp_path: Path) -> None:
    """The reference takes a missing state file for an empty one, and its own has no seed."""
    boot(tmp_path, '{"ignition": {"version": "3.4.0"}}').run("disks")
    assert read_state(str(tmp_path / "state")).seed


@pytest.mark.parametrize("text", ["", "{}", '{"ignition": {"version": "9.0.0"}}', "nonsense"])
def test_a_cache_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Failure, match="is not what a fetch stage writes"):
        boot(tmp_path, text).run("disks")
