"""`transpile convert`, started as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


def convert(config: object, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "transpiler", "convert", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        argv, input=json.dumps(config), capture_output=True, text=True, env=environment, check=False, cwd=ROOT
    )


def test_an_old_config_becomes_one_of_the_newest_version() -> None:
    file = {"filesystem": "root", "path": "/etc/a", "mode": 420, "contents": {"source": "data:,a"}}
    done = convert({"ignition": {"version": "2.2.0"}, "storage": {"files": [file]}})
    assert (done.returncode, done.stderr) == (0, "")
    contents = {"source": "data:,a"}
    assert json.loads(done.stdout) == {
        "ignition": {"version": "3.6.0"},
        "storage": {"files": [{"path": "/etc/a", "overwrite": True, "mode": 420, "contents": contents}]},
    }


def test_what_would_be_lost_is_named_with_its_place_and_nothing_is_written() -> None:
    config = {"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    done = convert(config, "--to", "3.2")
    assert (done.returncode, done.stdout) == (1, "")
    assert "<stdin>:1:" in done.stderr
    assert "error: kernelArguments: kernelArguments is not in version 3.2.0 (hint: it needs 3.3.0)" in done.stderr


def test_the_rest_is_written_if_a_loss_is_allowed() -> None:
    config = {"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    done = convert(config, "--to", "3.2.0", "--allow-loss")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"ignition": {"version": "3.2.0"}})
    assert "warning: kernelArguments" in done.stderr


def test_the_lowest_version_that_suffices_is_found() -> None:
    config = {"ignition": {"version": "3.6.0"}, "kernelArguments": {"shouldExist": ["quiet"]}}
    assert json.loads(convert(config, "--lowest").stdout)["ignition"]["version"] == "3.3.0"


def test_a_file_system_of_an_old_config_needs_a_mount_point() -> None:
    mount = {"device": "/dev/sdb", "format": "ext4", "wipeFilesystem": True}
    file = {"filesystem": "data", "path": "/a", "mode": 420}
    storage = {"filesystems": [{"name": "data", "mount": mount}], "files": [file]}
    config = {"ignition": {"version": "2.4.0"}, "storage": storage}
    refused = convert(config)
    assert refused.returncode == 1
    assert "say where it is mounted: --mount data=/path" in refused.stderr
    done = convert(config, "--mount", "data=/var/data", "--pretty")
    made = json.loads(done.stdout)["storage"]
    assert (made["filesystems"][0]["path"], made["files"][0]["path"]) == ("/var/data", "/var/data/a")
    assert done.stdout.startswith('{\n  "ignition"')


def test_an_invalid_config_is_not_converted() -> None:
    done = convert({"ignition": {"version": "2.4.0"}, "storage": {"files": [{"path": "a", "filesystem": "root"}]}})
    assert (done.returncode, done.stdout) == (1, "")
    assert "path not absolute" in done.stderr


CONTAINER_LINUX = """\
# the lab

systemd:
  units:
    # the web server
    - name: web.service  # always on
      enabled: true
etcd:
  version: 3.0.15  # as on the others
  name: "{HOSTNAME}"
"""


def test_an_ignition_config_becomes_butane_yaml() -> None:
    file = {"path": "/etc/a", "mode": 420, "contents": {"source": "data:,a%0Ab%0A"}}
    done = convert({"ignition": {"version": "3.4.0"}, "storage": {"files": [file]}}, "--to", "fcos")
    assert (done.returncode, done.stderr) == (0, "")
    head = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/a\n      mode: 0644\n"
    assert done.stdout == head + "      contents:\n        inline: |\n          a\n          b\n"


def test_a_container_linux_config_becomes_butane_yaml_with_its_comments(tmp_path: Path) -> None:
    (tmp_path / "ct.yaml").write_text(CONTAINER_LINUX)
    done = convert(None, "--to", "flatcar", "--platform", "ec2", str(tmp_path / "ct.yaml"))
    assert (done.returncode, done.stderr) == (0, "")
    units = done.stdout.partition("          contents")[0]
    assert units == (
        "# the lab\n\nvariant: flatcar\nversion: 1.1.0\nsystemd:\n  units:\n"
        "    # as on the others\n    - name: etcd-member.service\n      enabled: true\n      dropins:\n"
        "        - name: 20-clct-etcd-member.conf\n"
    )
    assert "    # the web server\n    - name: web.service  # always on\n" in done.stdout
    transpiled = subprocess.run(
        [sys.executable, "-m", "transpiler"], input=done.stdout, capture_output=True, text=True, check=True, cwd=ROOT
    )
    direct = convert(None, "--to", "3.4", "--platform", "ec2", str(tmp_path / "ct.yaml"))
    assert json.loads(transpiled.stdout) == json.loads(direct.stdout)


def test_problems_of_a_container_linux_config_have_their_places(tmp_path: Path) -> None:
    (tmp_path / "ct.yaml").write_text(CONTAINER_LINUX)
    done = convert(None, str(tmp_path / "ct.yaml"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "ct.yaml:10:9: error: etcd.name: platform must be specified" in done.stderr


@pytest.mark.parametrize("text", ["variant: fcos\nversion: 1.5.0\n", "a: b\n", "a: [\n", "", "\xff", "- 1\n"])
def test_what_is_no_config_to_convert_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "site.bu").write_text(text)
    done = convert(None, str(tmp_path / "site.bu"), "--to", "fcos")
    assert (done.returncode, done.stdout) == (1, "")
    assert "site.bu" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_command_line_is_refused() -> None:
    for options in (["--to", "2.5"], ["--mount", "data"], ["--to", "3.1", "--lowest"], ["--to", "openshift"]):
        assert convert({}, *options).returncode == 2
