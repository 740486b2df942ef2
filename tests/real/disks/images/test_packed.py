"""A packed config, applied to a disk image from a real http server, makes the same machine as the whole one."""

from __future__ import annotations

import base64
import os
import random
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fetch.server import Answer, serve
from tests.real.disks.images.test_apply import opened, provision

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root and loop devices")]

SITE = """\
variant: fcos
version: 1.5.0
storage:
  disks:
    - {device: /dev/vda, partitions: [{number: 1, label: ROOT}]}
  filesystems:
    - {device: /dev/disk/by-partlabel/ROOT, format: ext4, path: /}
  directories:
    - {path: /opt/dir, mode: 0750}
  links:
    - {path: /opt/link, target: "0"}
  files:
"""

RECORDS = ("etc/.ignition-result.json", "etc/.provision-journal")
"""They name the config that was applied, and the moment."""

UNITS = """\
systemd:
  units:
    - name: a.service
      enabled: true
      contents: |
        [Service]
        ExecStart=/bin/true
        [Install]
        WantedBy=multi-user.target
"""


def tree(root: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Path -> mode, owner, group, and contents or target of everything below a root."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        contents = b""
        if stat.S_ISLNK(status.st_mode):
            contents = os.readlink(path).encode()
        elif stat.S_ISREG(status.st_mode):
            contents = path.read_bytes()
        name = str(path.relative_to(root))
        if name not in {"lost+found", *RECORDS}:
            found[name] = (status.st_mode, status.st_uid, status.st_gid, contents)
    return found


def test_the_same_machine(tmp_path: Path) -> None:
    files = ""
    for number in range(4):
        contents = base64.b64encode(random.Random(number).randbytes(6000)).decode()
        mode = "0600" if number % 2 else "0644"
        files += f"    - {{path: /opt/{number}, mode: {mode}, contents: {{inline: {contents}}}}}\n"
    (tmp_path / "site.bu").write_text(SITE + files + UNITS)
    trees = []
    with serve(lambda _asked: Answer((tmp_path / "2.ign").read_bytes())) as server:
        packed = ["--limit", "16K", "--url", f"{server.url}/2.ign", "--second", str(tmp_path / "2.ign")]
        for name, options in (("whole", ["--limit", "1M"]), ("packed", packed)):
            command = ["pack", *options, "-o", str(tmp_path / f"{name}.ign"), str(tmp_path / "site.bu")]
            subprocess.run([sys.executable, "-m", "transpiler", *command], check=True, capture_output=True)
            image = tmp_path / f"{name}.img"
            done = provision("apply", tmp_path / f"{name}.ign", "--image", image, "--size", "64M")
            assert done.returncode == 0, done.stderr
            with opened(image, 1, tmp_path / "root") as root:
                trees.append(tree(root))
        assert [one.path for one in server.asked] == ["/2.ign"]
    assert {"opt/0", "opt/dir", "opt/link", "etc/systemd/system/a.service"} <= trees[0].keys()
    assert trees[0] == trees[1]
