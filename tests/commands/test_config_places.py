"""Refusals and the steps of a plan have places in the author's text."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each test starts programs

BUTANE = """\
variant: fcos
version: 1.5.0
storage:
  trees:
    - local: tree
      path: /srv
  files:
    - path: /etc/a
      group: {name: nobody-here}
systemd:
  units:
    - name: kubelet.service
      contents_local: unit
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/one").write_text("1")
    (tmp_path / "unit").write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / "root/etc").mkdir(parents=True)
    return tmp_path


def run(folder: Path, command: str, config: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "provision", command, config, "--root", "root", *arguments]
    return subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_refusal_names_the_authors_line(folder: Path, command: str) -> None:
    (folder / "site.bu").write_text(BUTANE)
    done = run(folder, command, "site.bu", "-d", ".")
    assert (done.returncode, done.stdout) == (1, "")
    first, excerpt, caret, *_ = done.stderr.splitlines()
    assert first.startswith('site.bu:8:7: error: storage.files[0]: no such group "nobody-here"')
    assert (excerpt, caret) == ("        - path: /etc/a", "          ^")


def test_json_reports_have_the_same_places(folder: Path) -> None:
    (folder / "site.bu").write_text(BUTANE)
    done = run(folder, "plan", "site.bu", "-d", ".", "--json")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("site.bu", 8, 7)
    assert problem["path"] == ["storage", "files", 0]


def test_steps_name_what_the_author_wrote(folder: Path) -> None:
    (folder / "site.bu").write_text(BUTANE.replace("      group: {name: nobody-here}\n", ""))
    shown = run(folder, "plan", "site.bu", "-d", ".").stdout
    assert "write /srv/one (0644)  [site.bu:5:7 storage.trees[0]]" in shown
    assert "write /etc/a (0644)  [site.bu:8:7 storage.files[0]]" in shown
    assert "write /etc/systemd/system/kubelet.service (0644)  [site.bu:11:7 systemd.units[0]]" in shown
    steps = json.loads(run(folder, "plan", "site.bu", "-d", ".", "--json").stdout)["steps"]
    assert ("storage.trees[0]", "site.bu", 5, 7) in {
        (one["config_path"], one["file"], one["line"], one["column"]) for one in steps
    }


def test_a_json_config_has_its_own_places(folder: Path) -> None:
    config = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "user": {"name": "nobody-here"}}]}}
    (folder / "site.ign").write_text(json.dumps(config, indent=1))
    assert 'site.ign:7:4: error: storage.files[0]: no such user "nobody-here"' in run(folder, "plan", "site.ign").stderr


def test_of_merged_configs_the_source_of_the_value_is_named(folder: Path) -> None:
    """The merged config has /a, /b, /c; /c is the second file of the child."""
    files = [{"path": "/b", "mode": 420}, {"path": "/c", "user": {"name": "nobody-here"}}]
    child = {"ignition": {"version": "3.4.0"}, "storage": {"files": files}}
    source = data_url(child)
    files = [{"path": "/a", "user": {"name": "nobody-there"}}, {"path": "/b"}]
    merge = {"version": "3.4.0", "config": {"merge": [{"source": source}]}}
    (folder / "site.ign").write_text(json.dumps({"ignition": merge, "storage": {"files": files}}, indent=1))
    done = run(folder, "plan", "site.ign")
    assert 'storage.files[0]: no such user "nobody-there"' in done.stderr
    assert "site.ign:" in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if 'no such user "nobody-here"' in line]
    assert line.startswith("site.ign:")
    assert "error: ignition.config.merge[0].source.storage.files[1]: " in line


def test_a_config_in_a_config_in_a_config_is_found(folder: Path) -> None:
    """The place is the line of the outermost reference; the path names each reference on the way."""
    inner = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "user": {"name": "nobody-here"}}]}}
    merge = [{"source": data_url({"ignition": {"version": "3.4.0"}})}, {"source": data_url(inner)}]
    middle = {"ignition": {"version": "3.4.0", "config": {"merge": merge}}}
    replace = {"version": "3.4.0", "config": {"replace": {"source": data_url(middle)}}}
    (folder / "site.ign").write_text(json.dumps({"ignition": replace}, indent=1))
    place = "ignition.config.replace.source.ignition.config.merge[1].source.storage.files[0]"
    assert (
        f'site.ign:6:15: error: {place}: no such user "nobody-here" [unknown-user]'
        in run(folder, "plan", "site.ign").stderr
    )
    merge[1]["source"] = data_url({"ignition": {"version": "3.4.0"}, "storage": {"disks": [{"device": "sda"}]}})
    replace["config"] = {"replace": {"source": data_url(middle)}}
    (folder / "site.ign").write_text(json.dumps({"ignition": replace}, indent=1))
    shown = run(folder, "plan", "site.ign").stderr
    assert "ignition.config.merge[1] of ignition.config.replace: config is not valid" in shown
    assert "storage.disks[0].device: path not absolute" in shown


def data_url(config: object) -> str:
    return "data:;base64," + b64encode(json.dumps(config).encode()).decode()


def test_a_local_config_that_is_merged_has_the_line_of_its_name(folder: Path) -> None:
    config = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "user": {"name": "nobody-here"}}]}}
    (folder / "part.ign").write_text(json.dumps(config))
    text = "variant: fcos\nversion: 1.5.0\nignition:\n  config:\n    merge:\n      - local: part.ign\n"
    (folder / "site.bu").write_text(text)
    shown = run(folder, "plan", "site.bu", "-d", ".").stderr
    assert shown.startswith("site.bu:6:16: error: ignition.config.merge[0].local.storage.files[0]: no such user")


def test_what_merging_makes_wrong_is_reported_once_at_its_place(folder: Path) -> None:
    """The unit has its contents from the part; only the config enables it. The partitions overlap only together."""
    part = {
        "ignition": {"version": "3.4.0"},
        "storage": {"disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "startMiB": 1, "sizeMiB": 9}]}]},
        "systemd": {"units": [{"name": "a.service", "contents": "[Service]\n"}]},
    }
    own = {
        "ignition": {"version": "3.4.0", "config": {"merge": [{"source": data_url(part)}]}},
        "storage": {"disks": [{"device": "/dev/vda", "partitions": [{"number": 2, "startMiB": 5, "sizeMiB": 9}]}]},
        "systemd": {
            "units": [{"name": "a.service", "enabled": True}, {"name": "b.service", "enabled": True, "contents": "[A]"}]
        },
    }
    (folder / "site.ign").write_text(json.dumps(own, indent=1))
    done = run(folder, "plan", "site.ign")
    places = [line.partition("[")[0] for line in done.stderr.splitlines() if line.startswith("site.ign:")]
    assert done.returncode == 1
    assert len(places) == len(set(places)) == 3
    assert "error: ignition.config.merge[0].source.storage.disks[0].partitions[0]: partitions overlap" in done.stderr
    assert done.stderr.count('unit "a.service" is enabled') == done.stderr.count('unit "b.service" is enabled') == 1
    assert "merged config" not in done.stderr
