"""Starting is cheap: a boot starts six processes."""

from __future__ import annotations

from pathlib import Path

from tests.bench import INTERPRETER, best, umount_stage


def test_a_stage_costs_at_most_six_interpreters(tmp_path: Path) -> None:
    bare, stage = best(INTERPRETER, umount_stage(tmp_path))
    assert stage < 6 * bare
