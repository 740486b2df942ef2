"""Where local files, aliases and names come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config.problems import Position
from tests.transpiler.editor import HEAD, with_cursor
from transpiler.editor.definition import definition
from transpiler.editor.document import TextRange


@pytest.mark.parametrize(
    "text",
    [
        "storage: {files: [{path: /a, contents: {local: sub/mo\u00a6td}}]}\n",
        "systemd: {units: [{name: a.service, contents_local: sub/mo\u00a6td}]}\n",
        "storage: {files: !include sub/mo\u00a6td}\n",
        "extends: sub/mo\u00a6td\n",
        "extends: \u00a6sub/motd\n",
        "extends: sub/motd\u00a6\n",
        "passwd: {users: [{name: a, ssh_authorized_keys_local: [sub/mo\u00a6td]}]}\n",
    ],
)
def test_local_files(text: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "motd").touch()
    found = definition(*with_cursor(HEAD + text, str(tmp_path)))
    assert found is not None
    assert found.file == str(tmp_path / "sub" / "motd")


def test_an_alias_and_a_device() -> None:
    found = definition(*with_cursor(HEAD + "a: &x 0644\nb: *\u00a6x\n"))
    assert found is not None
    assert (found.file, found.span.start.line) == ("", 3)
    text = "storage:\n  raid:\n    - name: data\n  filesystems:\n    - device: /dev/m\u00a6d/data\n"
    found = definition(*with_cursor(HEAD + text))
    assert found is not None
    assert found.span == TextRange(Position(5, 13), Position(5, 17))


@pytest.mark.parametrize("name", ["../secret", "missing", "/etc/passwd", "sub"])
def test_files_outside_and_directories_are_no_targets(name: str, tmp_path: Path) -> None:
    (tmp_path / "files" / "sub").mkdir(parents=True)
    (tmp_path / "secret").touch()
    text = f"{HEAD}storage: {{files: [{{path: /a, contents: {{local: \u00a6{name}}}}}]}}\n"
    assert definition(*with_cursor(text, str(tmp_path / "files"))) is None


def test_nothing_under_the_cursor() -> None:
    assert definition(*with_cursor(HEAD + "\u00a6")) is None
    assert definition(*with_cursor(HEAD + "sto\u00a6rage: [\n")) is None
