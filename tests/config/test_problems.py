"""Problems in words."""

from __future__ import annotations

from provision.config.problems import Problem, dotted


def test_paths_are_read_from_the_top() -> None:
    assert dotted(("storage", "files", 1, "mode")) == "storage.files[1].mode"
    assert Problem(("mode",), "a").under("storage", "files", 1).path == ("storage", "files", 1, "mode")
