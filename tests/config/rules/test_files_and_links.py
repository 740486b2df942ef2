"""Paths of files and links, in Ignition's words."""

from __future__ import annotations

import pytest

from provision.config.rules.files_and_links import bad_path


@pytest.mark.parametrize("path", ["/", "/a", "/a.b/.c", "/..a/b..", "/a/... b"])
def test_a_path_that_is_simple(path: str) -> None:
    assert list(bad_path(path, "path")) == []


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        *(("//a", "/a"), ("///a/b", "/a/b"), ("/a/", "/a"), ("/a//b", "/a/b"), ("/a/./b", "/a/b"), ("/a/../b", "/b")),
        *(("//", "/"), ("/.", "/"), ("/..", "/"), ("/a/..", "/"), ("/../a", "/a")),
    ],
)
def test_the_hint_is_the_simple_path(path: str, hint: str) -> None:
    (problem,) = bad_path(path, "path")
    assert (problem.path, problem.message) == (("path",), "path is not fully simplified")
    assert problem.hint == f"write {hint}"


@pytest.mark.parametrize(
    ("path", "message"), [("", "path not specified"), ("a", "path not absolute"), ("./a", "path not absolute")]
)
def test_a_path_is_absolute(path: str, message: str) -> None:
    (problem,) = bad_path(path, "path")
    assert (problem.message, problem.hint) == (message, "")


def test_no_hint_repeats_a_path_that_is_too_long() -> None:
    assert [len(one.hint) > 0 for one in bad_path("/" * 4096, "path")] == [True]
    assert [len(one.hint) > 0 for one in bad_path("/" * 4097, "path")] == [False]
