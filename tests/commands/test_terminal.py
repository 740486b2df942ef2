"""Commands on a terminal: colours, and no control characters from a config."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.commands.given_config import warn

pytestmark = pytest.mark.slow  # each test starts programs

CONFIG = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/\x1b]0;title\x07", "mode": 420}]}}
BAD = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "etc"}]}}


def on_terminal(*arguments: object, **environment: str) -> str:
    """The output of a command on a terminal, standard error included."""
    ours, theirs = os.openpty()
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    argv = [sys.executable, "-m", "provision", *map(str, arguments)]
    with open(ours, "rb", buffering=0) as terminal:
        subprocess.run(argv, stdout=theirs, stderr=theirs, env={**plain, "TERM": "xterm", **environment}, check=False)
        os.close(theirs)
        shown = bytearray()
        try:
            while part := terminal.read(4096):
                shown += part
        except OSError:  # EIO: the other side is closed, and all is read
            pass
    return shown.decode()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "site.ign").write_text(json.dumps(CONFIG))
    (tmp_path / "bad.ign").write_text(json.dumps(BAD))
    return tmp_path / "site.ign"


@pytest.mark.parametrize("name", ["site.ign", "bad.ign"])
@pytest.mark.parametrize("command", ["plan", "validate"])
def test_colours_can_be_turned_off(command: str, name: str, config: Path) -> None:
    path = config.with_name(name)
    coloured = command == "plan" or name == "bad.ign"
    assert ("\033[1" in on_terminal(command, path)) == coloured
    assert "\033[" not in on_terminal(command, path, NO_COLOR="1")
    assert "\033[" not in on_terminal(command, path, TERM="dumb")


def test_control_characters_of_a_config_do_not_reach_the_terminal(config: Path) -> None:
    shown = on_terminal("plan", config)
    assert "\033]" not in shown
    assert "write /etc/\ufffd]0;title\ufffd" in shown


def test_a_valid_config_is_reported_as_valid(config: Path) -> None:
    assert on_terminal("validate", config) == f"{config}: valid\r\n"
    assert ": valid" not in on_terminal("validate", config.with_name("bad.ign"))


def test_notices_are_printed_while_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    for level in ("debug", "info", "notice", "warning"):
        warn(level, "said")
    assert capsys.readouterr().err == "notice: said\nwarning: said\n"
