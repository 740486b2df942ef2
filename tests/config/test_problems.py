"""Problems in words."""

from __future__ import annotations

from provision.config.problems import Problem, count_of, dotted


def test_paths_are_read_from_the_top() -> None:
    assert dotted(("storage", "files", 1, "mode")) == "storage.files[1].mode"
    assert Problem(("mode",), "a").under("storage", "files", 1).path == ("storage", "files", 1, "mode")


def test_problems_are_counted_in_words() -> None:
    error, warning = Problem((), "a"), Problem((), "b", fatal=False)
    assert count_of([]) == ""
    assert count_of([error]) == "1 error"
    assert count_of([warning, error, warning]) == "1 error, 2 warnings"
