"""Settings of the tools that make accounts."""

from __future__ import annotations

import pytest

from provision.planning.root.account_files import login_settings, makes_user_groups, useradd_settings


def test_login_settings() -> None:
    text = b'# UID_MIN 5\nUID_MIN\t1000\n  GID_MIN 1000 # more\nEMPTY\nMAIL_DIR "/var/mail"\n\xff x\n'
    found = login_settings(text)
    assert (found["UID_MIN"], found["GID_MIN"], found["MAIL_DIR"]) == ("1000", "1000", "/var/mail")
    assert "EMPTY" not in found
    assert login_settings(None) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"USERGROUPS_ENAB yes\n", True),
        (b'USERGROUPS_ENAB "Yes"\n', True),
        (b"USERGROUPS_ENAB no\n", False),
        (b"#USERGROUPS_ENAB yes\n", False),
        (b"# USERGROUPS_ENAB yes\n", False),
        (None, False),
    ],
)
def test_groups_of_users(text: bytes | None, expected: bool) -> None:
    assert makes_user_groups(text) == expected


def test_defaults_of_useradd() -> None:
    assert useradd_settings(b"# SKEL=/no\nHOME=/srv \nSKEL=\nnonsense\nX=a=b\n") == {
        "HOME": "/srv",
        "SKEL": "",
        "X": "a=b",
    }
    assert useradd_settings(None) == {}
