"""userdel and groupdel themselves say whether they refuse; the trial reaches nothing but its own copies."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from provision.planning.machine_view import OwnedHome
from provision.planning.root.account_files import GROUP, PASSWD
from provision.system.programs.account_trial import refuses

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("userdel") is None, reason="there is no userdel"),
]

FILES = {PASSWD: b"old:x:7:8::/srv/old:/bin/sh\n", GROUP: b"own:x:8:\nfree:x:9:\n"}


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize(
    ("argv", "home", "refused"),
    [
        (("userdel", "--remove", "old"), OwnedHome("/srv/old", 7), False),
        (("userdel", "--remove", "old"), OwnedHome("/srv/old", 0), True),
        (("groupdel", "own"), None, True),
        (("groupdel", "free"), None, False),
    ],
)
def test_the_tools_themselves_decide(
    argv: tuple[str, ...], home: OwnedHome | None, *, refused: bool, foreign: bool
) -> None:
    assert refuses(argv, FILES, home, "/", foreign=foreign) is refused


def test_the_root_as_a_home_belongs_to_the_copy() -> None:
    files = {**FILES, PASSWD: b"old:x:7:8::/:/bin/sh\n"}
    assert refuses(("userdel", "--remove", "old"), files, OwnedHome("/", 0), "/", foreign=False)


def test_a_home_cannot_lie_outside_of_the_copy(tmp_path: Path) -> None:
    home = OwnedHome(f"/../../../../../..{tmp_path}", 7)
    refuses(("userdel", "--remove", "old"), FILES, home, "/", foreign=False)
    assert tmp_path.is_dir()
    assert tmp_path.stat().st_uid == 0


def test_without_the_tool_the_rule_stands() -> None:
    assert refuses(("no-such-userdel", "old"), FILES, None, "/", foreign=False)
