"""What a person is told if a root cannot be made."""

from __future__ import annotations

import pytest

from provision.system.virtual_machine.debian_root import hint_for


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("mkfs.ext4: Could not allocate block in ext2 filesystem", "make room on the disk"),
        ("W: Failed to fetch http://deb.example/: Temporary failure resolving 'deb.example'", "connect this computer"),
        ("E: Unable to locate package nothing", "correct the names of the packages"),
        ("chroot: failed to run command 'dracut'", "correct what it says"),
    ],
)
def test_the_hint_is_about_the_cause(output: str, hint: str) -> None:
    assert hint_for(output).startswith(hint)
    assert hint_for(output).endswith("and run it again")
