"""`plan` and `apply` of a config on targets to which it, or another config, was applied before."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.commands.plan import CHANGES, UNKNOWN
from tests.commands import AS_NOBODY
from tests.real.disks.images.test_apply import EXAMPLES, ONE_DISK, provision
from tests.real.disks.loop_devices import left_attached, mounted
from tests.target_root import new_root

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

UNIT = "[Unit]\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"

SYSTEM = {
    "ignition": {"version": "3.4.0"},
    "passwd": {
        "groups": [{"name": "staff2"}],
        "users": [
            {"name": "core", "groups": ["staff2"], "passwordHash": "$y$first", "sshAuthorizedKeys": ["ssh-rsa key"]},
            {"name": "plain"},
        ],
    },
    "storage": {
        "directories": [{"path": "/opt/d", "mode": 0o700}],
        "files": [
            {"path": "/etc/one", "mode": 0o600, "contents": {"source": "data:,one"}},
            {"path": "/etc/two", "append": [{"source": "data:,two%0A"}]},
            {"path": "/opt/three", "contents": {"source": "data:,three"}},
        ],
        "links": [
            {"path": "/etc/link", "target": "one"},
            {"path": "/etc/hard", "target": "/opt/three", "hard": True},
        ],
    },
    "systemd": {
        "units": [{"name": "a.service", "enabled": True, "contents": UNIT}, {"name": "b.service", "mask": True}]
    },
}
"""Something of everything that a tree can have."""

OTHER = {
    **ONE_DISK,
    "storage": {
        **{key: value for key, value in ONE_DISK["storage"].items() if key != "files"},
        "files": [{"path": "/etc/other", "contents": {"source": "data:,other"}}],
    },
}
"""Another config for the disk of ONE_DISK."""


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert left_attached(tmp_path) == []
    assert mounted(tmp_path) == []


def planned(*arguments: object, stdin: object = None) -> list[str]:
    """The titles of all steps that a plan shows."""
    done = provision("plan", *arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["steps"]
    return [step["title"] for step in steps if step["action"] not in {"Keep", "UpdateBootState", "ForgetBlob"}]


def applied(*arguments: object, stdin: object = None) -> list[str]:
    """The titles of all steps that were carried out."""
    done = provision("apply", *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    lines = re.findall(
        r"^\[ *[0-9]+/[0-9]+\] [ !] (.*?)(?:  \[[^\]]*(?:\[[0-9]+\][^\]]*)*\])?$", done.stdout, re.MULTILINE
    )
    assert f"/{len(lines)}]" in done.stdout or not lines
    return lines


def as_nobody(*arguments: str, stdin: object) -> subprocess.CompletedProcess[str]:
    command = [*AS_NOBODY, sys.executable, "-m", "provision", *arguments]
    return subprocess.run(command, input=json.dumps(stdin), capture_output=True, text=True, check=False)


def exit_code(*arguments: object, stdin: object = None) -> int:
    return provision("plan", *arguments, "--exit-code", stdin=stdin).returncode


def test_what_was_applied_to_a_tree_needs_nothing(tmp_path: Path) -> None:
    root = ("-", "--root", new_root(tmp_path / "root"))
    assert exit_code(*root, stdin=SYSTEM) == CHANGES
    assert applied(*root, stdin=SYSTEM)
    assert planned(*root, stdin=SYSTEM) == []
    assert exit_code(*root, stdin=SYSTEM) == 0


def damage(root: Path) -> None:
    (root / "etc/one").unlink()
    (root / "etc/two").write_text("")
    (root / "opt/d").chmod(0o755)
    (root / "etc/systemd/system/b.service").unlink()
    subprocess.run(["userdel", "--root", root, "plain"], check=True, capture_output=True)
    shadow = root / "etc/shadow"
    shadow.write_text(shadow.read_text().replace("$y$first", "$y$other"))


def test_what_has_changed_since_is_planned_and_done_again(tmp_path: Path) -> None:
    folder = new_root(tmp_path / "root")
    root = ("-", "--root", folder)
    applied(*root, stdin=SYSTEM)
    damage(folder)
    expected = planned(*root, stdin=SYSTEM)
    assert expected == [
        "set the password hash of core",
        "make user plain",
        "give plain no password",
        "make directory /opt/d (0700)",
        "write /etc/one (0600)",
        "append to /etc/two (0644)",
        "link /etc/systemd/system/b.service -> /dev/null",
        "write /etc/.ignition-result.json (0600)",
    ]
    assert exit_code(*root, stdin=SYSTEM) == CHANGES
    assert applied(*root, stdin=SYSTEM) == expected
    assert (folder / "etc/one").read_text() == "one"
    assert (folder / "etc/two").read_text() == "two\n"
    assert "core:$y$first:" in (folder / "etc/shadow").read_text()
    assert exit_code(*root, stdin=SYSTEM) == 0


def test_what_somebody_wrote_since_is_not_lost_unasked(tmp_path: Path) -> None:
    folder = new_root(tmp_path / "root")
    root = ("-", "--root", folder)
    applied(*root, stdin=SYSTEM)
    (folder / "opt/three").write_text("precious")
    refused = provision("apply", *root, stdin=SYSTEM)
    assert (refused.returncode, "destroys file /opt/three" in refused.stderr) == (1, True)
    assert (folder / "opt/three").read_text() == "precious"
    assert "write /opt/three (0644)" in applied(*root, "--force", stdin=SYSTEM)
    assert (folder / "opt/three").read_text() == "three"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_every_example_on_a_tree_needs_nothing_the_second_time(name: str, tmp_path: Path) -> None:
    folder = new_root(tmp_path / "root")
    for number, account in enumerate(("core", "etcd"), start=500):  # of the systems that the examples are for
        with (folder / "etc/passwd").open("a") as users, (folder / "etc/group").open("a") as groups:
            users.write(f"{account}:x:{number}:{number}::/home/{account}:/bin/sh\n")
            groups.write(f"{account}:x:{number}:\n")
    arguments = (EXAMPLES / name, "--files-dir", EXAMPLES, "--root", folder)
    expected = planned(*arguments)
    assert applied(*arguments) == expected
    assert exit_code(*arguments) == 0


def test_a_plan_looks_into_the_file_systems_of_an_image(tmp_path: Path) -> None:
    image = ("-", "--image", tmp_path / "disk.img")
    applied(*image, "--size", "512M", stdin=ONE_DISK)
    expected = planned(*image, stdin=OTHER)
    assert "write /etc/other (0644)" in expected
    assert not any(title.startswith("make directory") for title in expected), "the root is no empty one"
    assert exit_code(*image, stdin=OTHER) == CHANGES
    assert applied(*image, stdin=OTHER) == expected


def test_the_progress_as_json_is_the_plan(tmp_path: Path) -> None:
    root = ("-", "--root", new_root(tmp_path / "root"))
    steps = json.loads(provision("plan", *root, "--json", stdin=SYSTEM).stdout)["steps"]
    done = provision("apply", *root, "--json", stdin=SYSTEM)
    *lines, last = (json.loads(line) for line in done.stdout.splitlines())
    assert [line["title"] for line in lines] == [step["title"] for step in steps]
    assert [set(line) for line in lines] == [set(step) for step in steps]
    assert last["done"] is True


def test_a_plan_does_not_change_an_image(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    applied("-", "--image", image, "--size", "512M", stdin=ONE_DISK)
    before = image.read_bytes()
    image.chmod(0o444)
    planned("-", "--image", image, stdin=OTHER)
    assert image.read_bytes() == before


@pytest.mark.skipif(shutil.which("debugfs") is None, reason="there is no debugfs")
def test_a_plan_without_rights_sees_the_same(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    applied("-", "--image", image, "--size", "512M", stdin=ONE_DISK)
    as_root = planned("-", "--image", image, stdin=OTHER)
    done = as_nobody("plan", "-", "--image", str(image), "--json", stdin=OTHER)
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)["steps"]
    assert [step["title"] for step in steps if step["action"] not in {"Keep", "UpdateBootState"}] == as_root


def test_what_cannot_be_seen_is_reported(tmp_path: Path) -> None:
    config = json.loads(json.dumps(OTHER))
    config["storage"]["filesystems"][0]["format"] = "xfs"
    config["storage"]["disks"][0]["partitions"][0]["sizeMiB"] = 350
    image = tmp_path / "disk.img"
    applied("-", "--image", image, "--size", "512M", stdin=config)
    config["storage"]["files"] = []
    done = as_nobody("plan", "-", "--image", str(image), "--exit-code", stdin=config)
    assert (done.returncode, "needs root" in done.stdout) == (UNKNOWN, True), done.stderr


DISKS = {"web-server.yaml": 1, "etcd-node.yaml": 2, "kubernetes-worker.yaml": 2}
"""How many disks the config of an example has; the one for Flatcar makes no root."""


@pytest.mark.parametrize("name", DISKS)
def test_every_example_on_images_needs_nothing_the_second_time(name: str, tmp_path: Path) -> None:
    images = [f"/dev/vd{letter}={tmp_path / letter}.img" for letter in "ab"[: DISKS[name]]]
    arguments = (EXAMPLES / name, "--files-dir", EXAMPLES)
    new = [word for image in images for word in ("--disk", f"{image}:6G")]
    expected = planned(*arguments, *new)
    assert applied(*arguments, *new) == expected
    old = [word for image in images for word in ("--disk", image)]
    assert exit_code(*arguments, *old) == 0
    mounts = [title for title in planned(*arguments, *old) if not title.startswith(("mount", "unmount"))]
    assert mounts == []
    assert not [title for title in applied(*arguments, *old) if not title.startswith(("mount", "unmount"))]


def test_every_example_is_tried_on_images_or_makes_no_root() -> None:
    others = {path.name for path in EXAMPLES.glob("*.yaml")} - set(DISKS)
    assert others == {"flatcar-node.yaml"}


def change(image: Path, *requests: str) -> None:
    """Change the file system in the first partition of an image, with debugfs(8)."""
    for request in requests:
        argv = ["debugfs", "-w", "-R", request, f"{image}?offset={1 << 20}"]
        subprocess.run(argv, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("debugfs") is None, reason="there is no debugfs")
def test_what_is_missing_in_an_image_is_planned_and_made_again(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    applied("-", "--image", image, "--size", "512M", stdin=ONE_DISK)
    change(image, "rm /etc/motd")
    assert exit_code("-", "--image", image, stdin=ONE_DISK) == CHANGES
    expected = planned("-", "--image", image, stdin=ONE_DISK)
    assert "write /etc/motd (0600)" in expected
    assert applied("-", "--image", image, stdin=ONE_DISK) == expected
    assert exit_code("-", "--image", image, stdin=ONE_DISK) == 0


@pytest.mark.skipif(shutil.which("debugfs") is None, reason="there is no debugfs")
def test_overwriting_later_changes_of_an_image_needs_force(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    applied("-", "--image", image, "--size", "512M", stdin=ONE_DISK)
    (tmp_path / "other").write_text("precious")
    change(image, "rm /etc/motd", f"write {tmp_path}/other /etc/motd", "sif /etc/motd mode 0100600")
    expected = planned("-", "--image", image, stdin=ONE_DISK)
    refused = provision("apply", "-", "--image", image, stdin=ONE_DISK)
    assert (refused.returncode, "destroys file /etc/motd" in refused.stderr) == (1, True), refused.stderr
    assert applied("-", "--image", image, "--force", stdin=ONE_DISK) == expected


def test_an_interrupted_run_is_continued(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    applied("-", "--image", image, "--size", "512M", stdin=OTHER)
    argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat", "-e", "inject=linkat:signal=KILL:when=1"]
    if shutil.which("strace") is None:
        pytest.skip("there is no strace")
    command = [*argv, sys.executable, "-m", "provision", "apply", "-", "--image", str(image)]
    subprocess.run(command, input=json.dumps(ONE_DISK), capture_output=True, text=True, check=False)
    assert exit_code("-", "--image", image, stdin=ONE_DISK) == CHANGES
    refused = provision("apply", "-", "--image", image, stdin=OTHER)
    assert (refused.returncode, "interrupted" in refused.stderr) == (1, True), refused.stderr
    applied("-", "--image", image, stdin=ONE_DISK)
    assert exit_code("-", "--image", image, stdin=ONE_DISK) == 0
