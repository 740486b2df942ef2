"""The stages and their order."""

from __future__ import annotations

from provision.stages import STAGES, later_stages, load_stage


def test_the_stages() -> None:
    stages = {name: load_stage(name) for name in STAGES}
    assert [stage.name for stage in stages.values()] == list(STAGES)
    assert [name for name, stage in stages.items() if stage.irreversible] == ["kargs", "disks"]
    assert [name for name, stage in stages.items() if stage.journalled] == ["files"]
    assert [name for name, stage in stages.items() if stage.labels] == ["files"]


def test_the_stages_after_one() -> None:
    assert [stage.name for stage in later_stages("disks")] == ["mount", "files", "umount"]
    assert later_stages("umount") == ()
