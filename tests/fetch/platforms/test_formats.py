"""Drives of the formats that platforms use, vfat, iso9660 and udf, with udevd's own links: in a User-Mode Linux guest,
since this machine's kernel may not know them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.disks import guest

CONFIG = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-%s"}]}}'
TOOLS = ("mkfs.vfat", "mcopy", "genisoimage")

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(bool(guest.lacking()), reason=f"needs {guest.lacking()}"),
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"),
]


def content(folder: Path, kind: str) -> Path:
    tree = folder / kind
    tree.mkdir()
    (tree / "user-data").write_text(CONFIG % kind)
    (tree / "ovf-env.xml").write_text("<ovf/>")
    return tree


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def vfat(folder: Path) -> None:
    image = folder / "vfat.image"
    run("truncate", "--size=2M", image)
    run("mkfs.vfat", "-n", "cidata", image)
    run("mcopy", "-i", image, *sorted(content(folder, "vfat").iterdir()), "::")


def iso9660(folder: Path) -> None:
    run("genisoimage", "-quiet", "-V", "cidata", "-J", "-r", "-o", folder / "iso9660.image", content(folder, "iso9660"))


def udf(folder: Path) -> None:
    """An ISO image with a UDF bridge, as the makers of provisioning CDs write them."""
    run("genisoimage", "-quiet", "-udf", "-V", "cidata", "-o", folder / "udf.image", content(folder, "udf"))


def test_configs_on_drives_of_every_format_with_a_clock_from_1970(tmp_path: Path) -> None:
    for make in (vfat, iso9660, udf):
        make(tmp_path)
    command = [sys.executable, "-m", "tests.fetch.platforms.in_guest", "/run/guest"]
    ended = guest.run(command, tmp_path, {}, 120)
    assert ended.output.splitlines() == [
        "the clock was before the day of the build True",
        "iso9660 ['/from-iso9660'] b'<ovf/>'",
        "udf ['/from-udf'] b'<ovf/>'",
        "vfat ['/from-vfat'] b'<ovf/>'",
    ]
    assert ended.status == 0
