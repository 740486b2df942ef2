"""What a plan says is lost when a path of the root is replaced."""

from __future__ import annotations

import pytest

from provision.planning.arguments import Blob, Bytes, Content
from provision.stages.files.data_loss import replaced
from tests.stages.world import World

FETCHED = Blob("a")


@pytest.mark.parametrize(
    ("parts", "lost"),
    [
        ((Content(b"ab"),), ""),
        ((Content(b"a"), Content(b"b")), ""),
        ((Content(b"ba"),), "file /f"),
        ((Content(b"abc"),), "file /f"),
        ((), "file /f"),
        ((Content(b"ab"), FETCHED), "file /f"),
        (None, "file /f"),
    ],
)
def test_a_file_is_lost_unless_the_new_one_certainly_has_the_same_bytes(
    parts: tuple[Bytes, ...] | None, lost: str
) -> None:
    assert replaced(World().with_file("/f", b"ab"), "/f", parts) == lost


def test_a_node_of_another_kind_is_lost() -> None:
    world = World().with_directory("/d").with_link("/l", "there")
    assert replaced(world, "/d", ()) == "directory /d with all below it"
    assert replaced(world, "/l", ()) == "link /l"


def test_a_link_is_lost_unless_it_leads_to_the_same_place() -> None:
    world = World().with_link("/l", "there").with_file("/f")
    assert replaced(world, "/l", target="there") == ""
    assert replaced(world, "/l", target="elsewhere") == "link /l"
    assert replaced(world, "/f", target="there") == "file /f"


def test_nothing_is_lost_where_nothing_is() -> None:
    assert replaced(World(), "/f", (Content(b""),)) == ""
    assert replaced(World(), "/f", target="there") == ""
