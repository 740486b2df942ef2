"""Two runs at the same time, with the same names for different things."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.disks.loop_devices import left_attached, mounted

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices"),
    pytest.mark.skipif(not Path("/sys/module/dm_crypt").exists(), reason="the kernel has no dm-crypt"),
]

FAST = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert left_attached(tmp_path) == []
    assert mounted(tmp_path) == []
    assert not os.path.exists("/dev/mapper/two-runs")
    assert [path for path in Path("/run/provision").rglob("*") if path.is_file() and path.stat().st_size] == []


def config(key: str, broken: str = "") -> str:
    volume = {"name": "two-runs", "device": "/dev/vda2", "keyFile": {"source": f"data:,{key}"}, "options": FAST}
    files = [{"path": "/etc/key", "contents": {"source": f"data:,{key}"}}]
    files += [{"path": "/etc/broken", "contents": {"source": broken}}] if broken else []
    return json.dumps(
        {
            "ignition": {"version": "3.4.0"},
            "storage": {
                "disks": [{"device": "/dev/vda", "partitions": [{"number": 1, "sizeMiB": 100}, {"number": 2}]}],
                "luks": [volume],
                "filesystems": [
                    {"device": "/dev/vda1", "format": "ext4", "path": "/"},
                    {"device": "/dev/mapper/two-runs", "format": "ext4", "path": "/data"},
                ],
                "files": files,
            },
        }
    )


def started(image: Path, text: str, *options: str) -> subprocess.Popen[str]:
    argv = [
        sys.executable,
        "-m",
        "provision",
        "apply",
        "-",
        "--image",
        str(image),
        "--size",
        "256M",
        "--quiet",
        *options,
    ]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.close()
    process.stdin = None
    return process


def opens(image: Path, key: str) -> bool:
    argv = ["cryptsetup", "open", "--test-passphrase", "--key-file", "-", str(image)]
    node = subprocess.check_output(["losetup", "--find", "--show", "--partscan", str(image)], text=True).strip()
    try:
        subprocess.run(["partx", "--add", node], check=False, capture_output=True)
        argv[-1] = f"{node}p2"
        return subprocess.run(argv, input=key.encode(), check=False, capture_output=True).returncode == 0
    finally:
        subprocess.run(["losetup", "--detach", node], check=True)


def test_each_image_opens_with_its_own_key(tmp_path: Path) -> None:
    runs = {name: started(tmp_path / name, config(f"key-of-{name}")) for name in ("a.img", "b.img", "c.img")}
    for name, run in runs.items():
        said = run.communicate(timeout=300)[1]
        assert run.returncode == 0, f"{name}: {said}"
    for name in runs:
        assert [other for other in runs if opens(tmp_path / name, f"key-of-{other}")] == [name]


def test_a_run_that_fails_leaves_no_key(tmp_path: Path) -> None:
    digest = {"hash": "sha256-" + "0" * 64}
    text = json.loads(config("secret", broken="data:,"))
    text["storage"]["files"][1]["contents"] = {"source": "tftp://127.0.0.1:1/x", "verification": digest}
    run = started(tmp_path / "a.img", json.dumps(text), "--timeout", "2")
    run.communicate(timeout=120)
    assert run.returncode == 1


def test_a_name_that_this_machine_uses_is_refused(tmp_path: Path) -> None:
    subprocess.run(["dmsetup", "create", "two-runs", "--table", "0 2048 zero"], check=True)
    try:
        run = started(tmp_path / "a.img", config("secret"))
        said = run.communicate(timeout=60)[1]
    finally:
        subprocess.run(["dmsetup", "remove", "two-runs"], check=True)
    assert (run.returncode, "a volume with this name is open: two-runs" in said) == (1, True), said
    assert list(tmp_path.iterdir()) == []
