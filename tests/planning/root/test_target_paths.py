"""Where paths lead inside a root."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.planning.root.target_paths import Unresolvable, depth, missing_parents, resolve_path, resolver
from tests.stages.world import World


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/plain/file", "/plain/file"),
        ("/absolute/f", "/real/f"),
        ("/relative/f", "/real/f"),
        ("/chain/f", "/real/f"),
        ("/escape/f", "/etc/f"),
        ("/absolute", "/absolute"),
        ("/missing/deep/f", "/missing/deep/f"),
        ("/", "/"),
        ("/real/../real/f", "/real/f"),
        ("/real/..", "/"),
    ],
)
def test_links_are_followed_as_in_a_chroot(path: str, expected: str) -> None:
    world = World().with_directory("/real").with_link("/absolute", "/real").with_link("/relative", "real")
    world.with_link("/chain", "/absolute").with_link("/escape", "../../../etc")
    assert resolve_path(world, path) == expected


def test_a_circle_of_links_is_refused() -> None:
    world = World().with_link("/a", "/b").with_link("/b", "/a")
    with pytest.raises(Unresolvable, match="too many links"):
        resolve_path(world, "/a/f")


def test_a_file_on_the_way_is_refused() -> None:
    with pytest.raises(Unresolvable, match="/etc/f is not a directory"):
        resolve_path(World().with_file("/etc/f"), "/etc/f/x")


def test_missing_parents_are_outermost_first() -> None:
    world = World().with_directory("/etc")
    assert missing_parents(world, "/etc/a/b/c") == ("/etc/a", "/etc/a/b")
    assert missing_parents(world, "/etc/a") == ()
    assert missing_parents(world, "/x") == ()


@pytest.mark.parametrize("world", [World().with_file("/etc"), World().with_link("/etc", "/usr/etc")])
def test_nothing_can_be_below_a_file_or_a_link(world: World) -> None:
    """A resolved path has no links on the way, except links that are made in the same run."""
    with pytest.raises(Unresolvable, match="/etc is not a directory"):
        missing_parents(world, "/etc/a/b")


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "c"]), min_size=1, max_size=6), st.data())
def test_no_path_leaves_the_root(parts: list[str], data: st.DataObject) -> None:
    world = World()
    for name in "ab":
        world.with_link(f"/{name}", data.draw(st.sampled_from(["/", "..", "../../x", "/c/d", "c", "/etc/../.."])))
    path = "/" + "/".join(parts)
    try:
        resolved = resolve_path(world, path)
    except Unresolvable as refused:
        with pytest.raises(Unresolvable, match=re.escape(str(refused))):
            resolver(world)(path)
        return
    assert resolver(world)(path) == resolved
    assert resolved.startswith("/")
    assert ".." not in resolved.split("/")
    assert depth(resolved) <= len(parts) + 40 * 3


@pytest.mark.parametrize("path", ["/" + "ä" * 128, "/a/" + "x" * 256 + "/b", "/x" * 2048])
def test_what_no_file_system_can_name_is_refused(path: str) -> None:
    with pytest.raises(Unresolvable, match="255 bytes"):
        resolve_path(World(), path)


def test_a_path_with_a_nul_is_refused() -> None:
    with pytest.raises(Unresolvable, match="NUL"):
        resolve_path(World(), "/a/b\0c")
