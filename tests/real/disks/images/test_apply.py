"""`provision apply`: the examples on disk images, and every way in which it must refuse."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.commands import AS_NOBODY
from tests.real.disks.loop_devices import MIB, blank, left_attached, loop, mounted

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

EXAMPLES = Path(__file__).parents[4] / "examples"
ONE_DISK: dict[str, Any] = {
    "ignition": {"version": "3.4.0"},
    "storage": {
        "disks": [
            {
                "device": "/dev/vda",
                "partitions": [{"number": 1, "label": "ROOT", "sizeMiB": 200}, {"number": 2, "label": "DATA"}],
            }
        ],
        "filesystems": [
            {"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4", "label": "ROOT", "path": "/"},
            {"device": "/dev/disk/by-partlabel/DATA", "format": "vfat", "label": "DATA"},
        ],
        "files": [{"path": "/etc/motd", "mode": 384, "contents": {"source": "data:,hello"}}],
    },
}


def provision(*arguments: object, stdin: object = None, **variables: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "provision", *map(str, arguments)]
    text = json.dumps(stdin) if stdin is not None else ""
    environment = {**os.environ, **variables}
    return subprocess.run(argv, input=text, env=environment, capture_output=True, text=True, check=False)


@contextmanager
def opened(image: Path, number: int, folder: Path) -> Iterator[Path]:
    """A partition of an image, mounted read-only."""
    table = json.loads(subprocess.check_output(["sfdisk", "--json", str(image)]))["partitiontable"]
    one = table["partitions"][number - 1]
    options = f"ro,loop,offset={one['start'] * 512},sizelimit={one['size'] * 512}"
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", options, str(image), str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert left_attached(tmp_path) == []
    assert mounted(tmp_path) == []


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"


def _sockets(pid: int) -> int:
    """How many sockets a process has."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            count += os.readlink(descriptor).startswith("socket:")
    return count


@contextmanager
def under_way(source: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A run that is fetching two files. SIGINT ends it, even if the tests run with SIGINT ignored."""
    storage = ONE_DISK["storage"]
    files = [{"path": f"/{name}", "contents": {"source": source}} for name in "ab"]
    config = json.dumps({**ONE_DISK, "storage": {**storage, "files": files}})
    python = ["env", "--default-signal", sys.executable, "-u"]
    argv = [*python, "-m", "provision", "apply", "-", *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(config)
            process.stdin.close()
            assert any("fetch" in line for line in process.stdout)
            while _sockets(process.pid) < 2 and process.poll() is None:
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_stopped_gives_everything_back(number: int, silent: str, tmp_path: Path) -> None:
    with under_way(silent, "--image", tmp_path / "disk.img", "--size", "512M") as process:
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_two_runs_never_work_on_one_image(silent: str, tmp_path: Path) -> None:
    image = blank(tmp_path / "disk.img", 512 * MIB)
    with under_way(silent, "--image", image, "--force"):
        second = provision("apply", "-", "--image", image, "--force", stdin=ONE_DISK)
    assert (second.returncode, "another run" in second.stderr) == (1, True)


def test_one_image_by_two_names_is_one(tmp_path: Path) -> None:
    os.link(blank(tmp_path / "a.img", MIB), tmp_path / "b.img")
    names = ("--disk", f"/dev/vda={tmp_path}/a.img", "--disk", f"/dev/vdb={tmp_path}/b.img")
    done = provision("apply", "-", *names, stdin=ONE_DISK)
    assert (done.returncode, "is given twice" in done.stderr) == (2, True)


def test_a_label_on_two_images_names_neither(tmp_path: Path) -> None:
    """Choosing the first of the two devices would be guessing."""
    for name in ("a.img", "b.img"):
        script = b"label: gpt\nname=data\n"
        subprocess.run(["sfdisk", "--quiet", blank(tmp_path / name, 64 * MIB)], input=script, check=True)
    config = {
        "ignition": {"version": "3.4.0"},
        "storage": {"filesystems": [{"device": "/dev/disk/by-partlabel/data", "format": "ext4"}]},
    }
    names = ("--disk", f"/dev/vda={tmp_path}/a.img", "--disk", f"/dev/vdb={tmp_path}/b.img")
    done = provision("apply", "-", *names, stdin=config)
    assert (done.returncode, "leads to /dev/vda1 and /dev/vdb1" in done.stderr) == (1, True)


def test_without_a_root_nothing_is_written_but_file_systems(tmp_path: Path) -> None:
    """Files without a root must not be written to a folder of this machine."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    data = [{"device": "/dev/vda1", "path": "/data", "format": "ext4", "label": "DATA"}]
    parts = [{"device": "/dev/vda", "partitions": [{"number": 1}]}]
    image = tmp_path / "disk.img"
    only_data = storage(disks=parts, filesystems=data, files=[])
    done = provision("apply", "-", "--image", image, "--size", "64M", stdin=only_data, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert "only disks and file systems are made" in done.stdout
    volume = [{"name": "data", "device": "/dev/vda1", "keyFile": {"source": "data:,key"}}]
    locked = storage(disks=parts, filesystems=[], files=[], luks=volume)
    done = provision("apply", "-", "--image", image, "--force", stdin=locked, TMPDIR=str(temporary))
    assert (done.returncode, "volume keys" in done.stderr) == (1, True)
    assert list(temporary.iterdir()) == []


def test_the_web_server(tmp_path: Path) -> None:
    image = tmp_path / "web.img"
    done = provision("apply", EXAMPLES / "web-server.yaml", "--image", image, "--size", "4G")
    assert done.returncode == 0, done.stderr
    assert image.stat().st_mode & 0o777 == 0o600
    with opened(image, 1, tmp_path / "one") as root:
        assert (root / "etc/hostname").read_text() == "web1"
        assert (root / "etc/systemd/system/debug-shell.service").readlink() == Path("/dev/null")
        assert "core:x:1000:1000:" in (root / "etc/passwd").read_text()
        assert (root / "etc/shadow").read_text().splitlines()[1].startswith("core:$y$j9T$")
        assert (root / "home/core/.ssh/authorized_keys.d/ignition").stat().st_uid == 1000
        assert (root / "var/www").is_dir()
    with opened(image, 2, tmp_path / "two") as www:
        page = (www / "html/index.html").stat()
        assert (page.st_uid, page.st_gid, page.st_mode & 0o7777) == (1000, 2000, 0o644)
        assert (www / "html").stat().st_mode & 0o7777 == 0o775


@pytest.mark.parametrize("name", ["etcd-node", "kubernetes-worker"])
def test_examples_with_two_disks(name: str, tmp_path: Path) -> None:
    first, second = tmp_path / "a.img", tmp_path / "b.img"
    disks = ("--disk", f"/dev/vda={first}:2G", "--disk", f"/dev/vdb={second}:4G")
    done = provision("apply", EXAMPLES / f"{name}.yaml", "--files-dir", EXAMPLES, *disks)
    assert done.returncode == 0, done.stderr
    with opened(first, 1, tmp_path / "root") as root:
        assert (root / "etc/systemd/system-preset/20-ignition.preset").exists()


def test_flatcar_on_an_unpacked_root(tmp_path: Path) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\ncore:x:500:500::/home/core:/bin/bash\n")
    (tmp_path / "root/etc/group").write_text("root:x:0:\ncore:x:500:\n")
    (tmp_path / "root/etc/shadow").write_text("root:*:::::::\ncore:*:::::::\n")
    done = provision("apply", EXAMPLES / "flatcar-node.yaml", "--root", tmp_path / "root")
    assert done.returncode == 0, done.stderr
    assert "left out: storage.disks, storage.filesystems" in done.stdout
    assert (tmp_path / "root/etc/hostname").read_text() == "flatcar1"
    assert (tmp_path / "root/home/core/.ssh/authorized_keys.d/ignition").stat().st_uid == 500


@pytest.mark.parametrize("kind", ["directory", "archive"])
def test_a_base_fills_the_root(kind: str, tmp_path: Path) -> None:
    tree = tmp_path / "base"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nweb:x:77:78::/srv:/bin/false\n")
    (tree / "etc/group").write_text("root:x:0:\nweb:x:78:\n")
    (tree / "etc/os-release").write_text("ID=test\n")
    base = tree
    if kind == "archive":
        base = tmp_path / "base.tar.gz"
        with tarfile.open(base, "w:gz") as archive:
            archive.add(tree, arcname=".")
    config = json.loads(json.dumps(ONE_DISK))
    config["storage"]["files"][0]["user"] = {"name": "web"}
    image = tmp_path / "disk.img"
    done = provision("apply", "-", "--image", image, "--size", "512M", "--base", base, stdin=config)
    assert done.returncode == 0, done.stderr
    with opened(image, 1, tmp_path / "one") as root:
        assert (root / "etc/os-release").exists()
        assert (root / "etc/motd").stat().st_uid == 77


def test_a_second_run_keeps_what_matches_and_loses_nothing_unasked(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    assert provision("apply", "-", "--image", image, "--size", "512M", stdin=ONE_DISK).returncode == 0
    config = json.loads(json.dumps(ONE_DISK))
    config["storage"]["filesystems"][1]["wipeFilesystem"] = True
    config["storage"]["files"] = []
    refused = provision("apply", "-", "--image", image, stdin=config)
    assert refused.returncode == 1
    assert "destroys vfat 'DATA'" in refused.stderr
    assert "--force" in refused.stderr


def test_a_disk_of_4096_byte_sectors(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    made = provision("apply", "-", "--image", image, "--size", "512M", "--sector-size", "4096", stdin=ONE_DISK)
    assert made.returncode == 0, made.stderr
    with loop(image, sector=4096) as node:
        found = json.loads(subprocess.check_output(["sfdisk", "--json", node]))["partitiontable"]
    assert (found["sectorsize"], found["partitions"][0]["size"]) == (4096, 200 * MIB // 4096)
    again = provision("plan", "-", "--image", image, "--verbose", stdin=ONE_DISK)
    for kept in ("partition 1 'ROOT' of /dev/vda", "partition 2 'DATA' of /dev/vda", "ext4 'ROOT' (200 MiB)"):
        assert f"keep {kept}" in again.stdout


def test_files_on_an_existing_image_are_not_lost_unasked(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    assert provision("apply", "-", "--image", image, "--size", "512M", stdin=ONE_DISK).returncode == 0
    config = json.loads(json.dumps(ONE_DISK))
    config["storage"]["files"][0] |= {"overwrite": True, "contents": {"source": "data:,new"}}
    planned = provision("plan", "-", "--image", image, stdin=config)
    assert "destroys file /etc/motd" in planned.stdout
    refused = provision("apply", "-", "--image", image, stdin=config)
    assert (refused.returncode, "destroys file /etc/motd" in refused.stderr) == (1, True)
    assert provision("apply", "-", "--image", image, "--force", stdin=config).returncode == 0
    with opened(image, 1, tmp_path / "one") as root:
        assert (root / "etc/motd").read_text() == "new"


def test_no_other_file_is_touched(tmp_path: Path) -> None:
    for name in ("disk.img.partial", ".disk.img.partial"):
        (tmp_path / name).write_text("precious")
    done = provision("apply", "-", "--image", tmp_path / "disk.img", "--size", "512M", stdin=ONE_DISK)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"disk.img", "disk.img.partial", ".disk.img.partial"}
    assert (tmp_path / "disk.img.partial").read_text() == "precious"


def test_disks_of_this_machine_stay_as_they_are(tmp_path: Path) -> None:
    """This machine has a loop device with the same labels, which must not be used."""
    other = tmp_path / "other.img"
    assert provision("apply", "-", "--image", other, "--size", "512M", stdin=ONE_DISK).returncode == 0
    with loop(other):
        before = hashlib.sha256(other.read_bytes()).hexdigest()
        done = provision("apply", "-", "--image", tmp_path / "mine.img", "--size", "512M", stdin=ONE_DISK)
        assert done.returncode == 0, done.stderr
        assert hashlib.sha256(other.read_bytes()).hexdigest() == before


def storage(**parts: object) -> dict[str, object]:
    return {"ignition": {"version": "3.4.0"}, "storage": {**ONE_DISK["storage"], **parts}}


@pytest.mark.parametrize(
    ("config", "arguments", "message", "code"),
    [
        (ONE_DISK, ("--disk", "/dev/sda={image}:512M"), "no image is given for /dev/vda", 1),
        (ONE_DISK, ("--image", "{image}"), "no such image", 1),
        (ONE_DISK, ("--image", "{image}", "--size", "lots"), "lots: not a size", 2),
        (ONE_DISK, ("--image", "/dev/null"), "not a regular file", 1),
        (ONE_DISK, ("--disk", "vda={image}:1G"), "not of the form", 2),
        (ONE_DISK, ("--image", "{image}", "--size", "150M"), "", 1),
        (ONE_DISK, ("--image", "{image}", "--size", "1K"), "not a size", 2),
        (ONE_DISK, ("--image", "{image}", "--size", "9" * 4000 + "G"), "not a size", 2),
        (ONE_DISK, ("--disk", "/dev/vda={image}:1G", "--disk", "/dev/vda={image}2:1G"), "/dev/vda is given twice", 2),
        (ONE_DISK, ("--disk", "/dev/vda={image}:1G", "--disk", "/dev/vdb={image}:1G"), "is given twice", 2),
        (ONE_DISK, (), "there is nothing to apply to", 2),
        (ONE_DISK, ("--root", "/nonexistent"), "no such directory", 1),
        (ONE_DISK, ("--root", "/", "--image", "{image}"), "--root excludes", 2),
        (storage(filesystems=[]), ("--image", "{image}", "--size", "512M"), "mounts no file system at /", 1),
        (storage(disks=[]), ("--image", "{image}", "--size", "512M"), "use --root DIR", 2),
        (
            storage(disks=[{"device": "/dev/vda"}, {"device": "/dev/vdb"}]),
            ("--image", "{image}", "--size", "512M"),
            "use --disk DEVICE=IMAGE for each of them",
            2,
        ),
        (ONE_DISK, ("--image", "{image}", "--size", "512M", "--base", "/nonexistent"), "no such", 1),
        ({"ignition": {"version": "9.9.9"}}, ("--image", "{image}"), "unsupported config version", 1),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_starts(
    config: object, arguments: tuple[str, ...], message: str, code: int, tmp_path: Path
) -> None:
    image = tmp_path / "disk.img"
    done = provision("apply", "-", *(word.format(image=image) for word in arguments), stdin=config)
    assert done.returncode == code, done.stderr
    assert message.lower() in done.stderr.lower()
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [], "nothing half-made is left"


@pytest.mark.parametrize(("count", "said"), [(20, "the device has 16 MiB"), (15, " free, and 15 MiB are written")])
def test_a_full_disk_is_said_and_leaves_nothing(count: int, said: str, tmp_path: Path) -> None:
    data = "A" * (1 << 20)
    files = [{"path": f"/f{number}", "contents": {"source": f"data:,{data}"}} for number in range(count)]
    disks = [{"device": "/dev/vda", "partitions": [{"label": "ROOT", "sizeMiB": 16}, {"label": "DATA"}]}]
    image = tmp_path / "disk.img"
    done = provision("apply", "-", "--image", image, "--size", "512M", stdin=storage(disks=disks, files=files))
    assert done.returncode == 1
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_existing_image_is_not_replaced_unasked(tmp_path: Path) -> None:
    image = blank(tmp_path / "disk.img", 16 * MIB)
    done = provision("apply", "-", "--image", image, "--size", "512M", stdin=ONE_DISK)
    assert (done.returncode, "exists already" in done.stderr) == (1, True)
    assert image.stat().st_size == 16 * MIB
    assert provision("apply", "-", "--image", image, "--size", "512M", "--force", stdin=ONE_DISK).returncode == 0


def test_without_rights_it_says_so() -> None:
    argv = [*AS_NOBODY, sys.executable, "-m", "provision", "apply", "-", "--image", "/tmp/x.img", "--size", "1G"]
    done = subprocess.run(argv, input=json.dumps(ONE_DISK), capture_output=True, text=True, check=False)
    assert "needs root" in done.stderr


def test_plan_says_what_apply_will_do_and_touches_nothing(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    done = provision("plan", "-", "--image", image, "--size", "512M", "--json", "--exit-code", stdin=ONE_DISK)
    assert done.returncode == 4
    titles = [step["title"] for step in json.loads(done.stdout)["steps"]]
    assert "write /etc/motd (0600)" in titles
    assert list(tmp_path.iterdir()) == []
