"""The example of docs/guide/parts.md, done as the page says."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from provision.config.resources.content import inline_content
from transpiler.composition.plain_yaml import plain_yaml
from transpiler.composition.values import read_values
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

GUIDE = Path(__file__).parents[2] / "docs/guide/parts.md"


def test_the_example(tmp_path: Path) -> None:
    blocks = re.findall(r"^`([\w.]+)`.*:\n\n((?:    .*\n|\n(?=    (?!transpile)))+)", GUIDE.read_text(), re.MULTILINE)
    assert [name for name, _ in blocks] == ["base.bu", "web1.bu", "units.yaml", "vars.yaml", "secrets.yaml"]
    for name, text in blocks:
        (tmp_path / name).write_text(dedent(text))
    files = [str(tmp_path / name) for name in ("vars.yaml", "secrets.yaml")]
    values = read_values(["host=web1"], files[:1], files[1:], environment={})
    result = transpile(
        (tmp_path / "web1.bu").read_bytes(), TranspileOptions(name="web1.bu", files_dir=tmp_path, values=values)
    )
    assert result.render() == ""
    assert result.config is not None
    contents = {one.path: inline_content(one.contents) for one in result.config.storage.files}
    assert contents == {"/etc/hostname": b"web1", "/etc/app.conf": b"url = https://web1:8443/\ntoken = abc\n"}
    assert [one.mode for one in result.config.storage.files] == [0o600, 0o600]
    assert [one.enabled for one in result.config.systemd.units] == [True]
    assert len(result.config.passwd.users[0].ssh_authorized_keys) == 1
    assert transpile(plain_yaml(result.text.root).encode(), TranspileOptions(butane_paths=True)).json == result.json
    (shown,) = re.findall(r"^(    units\.yaml:.*\n(?:    .*\n)+)", GUIDE.read_text(), re.MULTILINE)
    (tmp_path / "units.yaml").write_text((tmp_path / "units.yaml").read_text().replace("app.service", "app.servce"))
    wrong = TranspileOptions(name="web1.bu", files_dir=tmp_path, values=values)
    assert transpile((tmp_path / "web1.bu").read_bytes(), wrong).render() == f"{tmp_path}/{dedent(shown)}"
