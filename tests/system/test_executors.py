from __future__ import annotations

import errno

import pytest

from provision.system.executors import error_text, hint_of


@pytest.mark.parametrize(
    ("path", "text"),
    [("/dev/vda", "/dev/vda: Input/output error"), (".", "Input/output error"), (None, "Input/output error")],
)
def test_an_error_names_its_path_if_it_has_one(path: str | None, text: str) -> None:
    assert error_text(OSError(errno.EIO, "Input/output error", path)) == text


def test_a_file_that_is_too_large_has_a_remedy() -> None:
    assert "restore it" in hint_of(OSError(errno.EFBIG, "is larger than 16 MiB", "/etc/passwd"))
