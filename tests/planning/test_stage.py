"""A stage runs its parts one after the other, and labels what is new at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provision.config.format import Config
from provision.failures import PlanRefused
from provision.planning.actions import RunProgram, Wave
from provision.planning.arguments import PathList
from provision.planning.file_actions import MakeDirectory, WriteFile
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from tests.stages.world import World, actions, run


def first(_config: Config, _view: MachineView) -> Iterator[Wave]:
    yield (MakeDirectory("/new/deep", parents=("/new",)),)


def second(_config: Config, view: MachineView) -> Iterator[Wave]:
    if view.file_status("/new/deep") is not None:
        yield (WriteFile("/new/deep/file", ()),)


def by_programs(_config: Config, _view: MachineView) -> Iterator[str]:
    yield from ("/etc/passwd", "/not-there")


def system() -> World:
    return World().with_file("/etc/selinux/config", b"SELINUXTYPE=targeted\n").with_file("/etc/passwd")


def test_each_part_sees_the_effects_of_earlier_parts() -> None:
    titles = [action.title for action in actions(run(Stage("s", (first, second)).plan, Config(), system())[0])]
    assert titles == ["make directory /new/deep (0755)", "write /new/deep/file (0644)"]


def test_the_outermost_of_what_is_new_is_labelled_with_what_programs_made() -> None:
    *_, label = actions(run(Stage("s", (first, second), labels=by_programs).plan, Config(), system())[0])
    assert isinstance(label, RunProgram)
    assert label.argv[0] == "setfiles"
    assert label.stdin == PathList(("/etc/passwd", "/new", "/new/deep/file"))


def test_a_root_without_a_policy_needs_no_labels() -> None:
    assert len(actions(run(Stage("s", (first,), labels=by_programs).plan, Config(), World())[0])) == 1


def test_labels_need_a_program() -> None:
    world = World(lacking=["setfiles"]).with_file("/etc/selinux/config", b"SELINUXTYPE=targeted\n")
    with pytest.raises(PlanRefused, match="setfiles is not on PATH"):
        run(Stage("s", (first,), labels=by_programs).plan, Config(), world)
