"""What one stage tells the next."""

from __future__ import annotations

from provision.planning import boot_state as memory
from tests.stages.world import World


def test_nothing_remembered_is_nothing_of_its_kind() -> None:
    world = World()
    assert memory.text(world, memory.NOW) == ""
    assert not memory.truth(world, memory.PLAIN_KEYS)
    assert memory.paths(world, memory.MOUNTED) == ()


def test_what_is_remembered_as_something_else_is_not_believed() -> None:
    world = World(memory={memory.NOW: True, memory.PLAIN_KEYS: "yes", memory.MOUNTED: "/var"})
    assert memory.text(world, memory.NOW) == ""
    assert not memory.truth(world, memory.PLAIN_KEYS)
    assert memory.paths(world, memory.MOUNTED) == ()
