"""`provision plan` on another machine than the one that a config is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provision.commands.plan import CHANGES, UNKNOWN
from provision.system.block.loops import Loop

pytestmark = pytest.mark.slow  # each test starts programs

EXAMPLES = Path(__file__).parents[2] / "examples"
CONFIGS = sorted(path.name for path in EXAMPLES.glob("*.yaml"))


def plan(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "provision", "plan", *arguments]
    return subprocess.run(argv, input=text, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_example_can_be_planned_anywhere(name: str) -> None:
    done = plan("-d", str(EXAMPLES), str(EXAMPLES / name))
    assert (done.returncode, done.stderr) == (0, "")
    for stage in ("\ndisks\n", "\nmount\n", "\nfiles\n", "\numount\n"):
        assert stage in done.stdout


def config(**parts: object) -> str:
    return json.dumps({"ignition": {"version": "3.4.0"}, **parts})


def test_a_device_that_is_not_here_is_marked_or_refused() -> None:
    text = config(storage={"disks": [{"device": "/dev/nonesuch", "partitions": [{"number": 1}]}]})
    assert "/dev/nonesuch (not visible here: assumed to be blank and large enough)" in plan("-", text=text).stdout
    strict = plan("-", "--strict-devices", text=text)
    assert (strict.returncode, "there is no /dev/nonesuch here" in strict.stderr) == (1, True)


def test_a_device_that_is_in_no_image_is_refused_as_by_apply(tmp_path: Path) -> None:
    disk = {"device": "/dev/vda", "partitions": [{"number": 1}]}
    made = {"device": "/dev/vda2", "format": "ext4"}
    done = plan(
        "-",
        "--image",
        str(tmp_path / "a.img"),
        "--size",
        "1G",
        text=config(storage={"disks": [disk], "filesystems": [made]}),
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "storage.filesystems: there is no /dev/vda2 in the images" in done.stderr


def test_problems_of_all_stages_are_reported_at_once(tmp_path: Path) -> None:
    parts = [{"number": 1, "label": "ROOT", "sizeMiB": 5000}]
    system = {"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4", "path": "/"}
    text = config(
        storage={
            "disks": [{"device": "/dev/vda", "partitions": parts}],
            "filesystems": [system],
            "files": [{"path": "/f", "user": {"name": "nobody-here"}}, {"path": "/etc/passwd/f"}],
        },
        passwd={"users": [{"name": "core", "groups": ["none-of-that-name"]}]},
    )
    done = plan("-", "--image", str(tmp_path / "a.img"), "--size", "1G", text=text)
    assert (done.returncode, done.stdout) == (1, "")
    reasons = [line for line in done.stderr.splitlines() if ": error: " in line][:-1]
    for reason, expected in zip(
        reasons,
        (
            "storage.disks[0].partitions[0]: could not create partition 1 'ROOT'",
            "passwd.users[0].groups: there is no group 'none-of-that-name'",
            "storage.files[1]: /etc/passwd/f: /etc/passwd is not a directory",
            'storage.files[0]: no such user "nobody-here"',
        ),
        strict=True,
    ):
        assert f": error: {expected}" in reason


def test_problems_with_the_images_are_reported_at_once(tmp_path: Path) -> None:
    made = {"device": "/dev/vda1", "format": "ext4", "options": ["-d", "tree"]}
    text = config(
        storage={
            "disks": [{"device": "/dev/vda"}],
            "filesystems": [made],
            "files": [{"path": "/f"}],
        }
    )
    done = plan("-", "--disk", f"/dev/vdb={tmp_path}/a.img:1G", text=text)
    for expected in ("no image is given for /dev/vda", "mounts no file system at /", "options[0]: -d is not known"):
        assert expected in done.stderr
    assert done.stderr.count("(hint: ") == 4


@pytest.mark.parametrize("name", CONFIGS)
def test_every_step_has_its_reason(name: str) -> None:
    done = plan("-d", str(EXAMPLES), "--json", str(EXAMPLES / name))
    steps = json.loads(done.stdout)["steps"]
    unasked = {step["title"] for step in steps if not step["config_path"] and step["changes"]}
    assert unasked <= {"write /etc/.ignition-result.json (0600)"}


def test_the_exit_code_shows_whether_there_are_changes(tmp_path: Path) -> None:
    text = config(storage={"files": [{"path": "/f", "contents": {"source": "data:,x"}}]})
    assert plan("-", text=text).returncode == 0
    assert plan("-", "--exit-code", text=text).returncode == UNKNOWN, "the root of a machine elsewhere"
    assert plan("-", "--exit-code", "--root", str(tmp_path), text=text).returncode == CHANGES
    assert plan("-", "--exit-code", "--root", str(tmp_path), text=config()).returncode == CHANGES, "the result file"
    assert plan("-", "--exit-code", "--nonsense", text=text).returncode == 2


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_device_that_cannot_be_opened_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(1 << 20))
    loop = Loop(str(tmp_path / "image"), 0, 1 << 20, 512)
    text = config(storage={"filesystems": [{"device": loop.node, "format": "ext4", "wipeFilesystem": True}]})
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    argv = [*nobody, sys.executable, "-m", "provision", "plan", "-", "--exit-code"]
    try:
        done = subprocess.run(argv, input=text, check=False, capture_output=True, text=True)
    finally:
        loop.detach()
    assert done.returncode == UNKNOWN
    assert f"wait for {loop.node} (it cannot be read: what is on it is not known)" in done.stdout
    assert f"note: {loop.node} cannot be read, so it is not known what is on it" in done.stdout
    assert "blank" not in done.stdout


def test_a_secret_is_never_shown() -> None:
    text = config(
        passwd={"users": [{"name": "core", "passwordHash": "$y$canary"}]},
        storage={
            "files": [
                {"path": "/f", "contents": {"source": "data:,canary"}},
                {"path": "/g", "contents": {"source": "https://u:canary@example.com/x?token=canary"}},
            ]
        },
    )
    for arguments in (("-",), ("-", "--json"), ("-", "--verbose")):
        done = plan(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        assert "canary" not in done.stdout + done.stderr
        assert "https://example.com/x" in done.stdout


def test_json_has_the_same_steps_as_the_text(tmp_path: Path) -> None:
    text = config(storage={"directories": [{"path": "/d"}], "links": [{"path": "/l", "target": "d"}]})
    (tmp_path / "etc").mkdir()
    steps = json.loads(plan("-", "--json", "--root", str(tmp_path), text=text).stdout)["steps"]
    shown = plan("-", "--verbose", "--root", str(tmp_path), text=text).stdout
    assert [step["title"] for step in steps if step["title"] not in shown] == []
    assert [step["stage"] for step in steps] == ["files"] * 3


def test_known_secrets_are_not_shown(tmp_path: Path) -> None:
    """Not in a plan, its JSON, the steps of apply and errors, though they are parts of paths and URLs."""
    text = (
        "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n"
        '    - {path: !format "/etc/{token}/a", mode: 0644}\n'
        '    - {path: /etc/b, contents: {source: !format "http://bob:pw@127.0.0.1:9/{token}/x?key=query"}}\n'
        '  links: [{path: /etc/l, target: !format "/srv/{token}"}]\n'
    ).replace("{token}", "{secret.token}")
    environment = {**os.environ, "TRANSPILE_SECRET_TOKEN": 'hid"den'}

    def run(*arguments: str, config: str = text) -> str:
        argv = [sys.executable, "-m", "provision", *arguments, "--root", str(tmp_path), "-"]
        done = subprocess.run(argv, input=config, env=environment, check=False, capture_output=True, text=True)
        return done.stdout + done.stderr

    (tmp_path / "etc").mkdir()
    for said in (
        run("plan"),
        run("plan", "--json"),
        run("apply", "--timeout", "1"),
        run("apply", "--json", "--timeout", "1"),
    ):
        assert "***" in said
        assert "hid" not in said.replace("hidden_", "")
        assert "query" not in said
        assert "pw" not in said.replace("http", "")


def test_a_secret_that_is_a_url_is_not_shown_without_its_password(tmp_path: Path) -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/b, contents: {source: !secret url}}]}\n"
    environment = {**os.environ, "TRANSPILE_SECRET_URL": "https://bob:pw@h.example/hooks/hidden?x=1"}
    argv = [sys.executable, "-m", "provision", "plan", "--root", str(tmp_path), "-"]
    (tmp_path / "etc").mkdir()
    done = subprocess.run(argv, input=text, env=environment, check=False, capture_output=True, text=True)
    assert "fetch ***" in done.stdout
    assert "hidden" not in done.stdout + done.stderr
