"""Reports in JSON have no secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from transpiler.commands.diff import diff
from transpiler.commands.explain import explain

if TYPE_CHECKING:
    import pytest

HEAD = "variant: fcos\nversion: 1.5.0\n"


def test_a_secret_that_json_escapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secrets.yaml").write_text('place: "/a\\""\n')
    (tmp_path / "old.bu").write_text(HEAD)
    (tmp_path / "new.bu").write_text(f"{HEAD}storage: {{files: [{{path: !secret place}}]}}\n")
    arguments = ["--json", "--secrets-file", str(tmp_path / "secrets.yaml")]
    assert explain([*arguments, str(tmp_path / "new.bu")]) == 0
    assert json.loads(capsys.readouterr().out)["entries"][0]["name"] == "***"
    assert diff([*arguments, str(tmp_path / "old.bu"), str(tmp_path / "new.bu")]) == 0
    assert json.loads(capsys.readouterr().out)[0]["changes"][0]["name"] == "storage.files[***]"
