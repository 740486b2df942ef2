"""Drives of the formats that platforms use, vfat, iso9660 and udf, with udevd's own links, discs in a CD drive, and
vsock: in a User-Mode Linux guest, since this machine's kernel may not know them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.disks.machines import user_mode_linux

CONFIG = '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-%s"}]}}'
TOOLS = ("mkfs.vfat", "mcopy", "genisoimage")

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(bool(user_mode_linux.lacking()), reason=f"needs {user_mode_linux.lacking()}"),
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}"),
]


def content(folder: Path, name: str, *files: str) -> Path:
    """A directory called `name` whose files hold a config with that name in it."""
    tree = folder / name
    tree.mkdir()
    for file in files:
        (tree / file).write_text(CONFIG % name)
    return tree


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def vfat(folder: Path) -> None:
    image = folder / "vfat.image"
    run("truncate", "--size=2M", image)
    run("mkfs.vfat", "-n", "cidata", image)
    run("mcopy", "-i", image, *sorted(content(folder, "vfat", "user-data").iterdir()), "::")


def iso9660(image: Path, tree: Path) -> None:
    run("genisoimage", "-quiet", "-V", "cidata", "-J", "-r", "-o", image, tree)


def udf(image: Path, tree: Path) -> None:
    """An ISO image with a UDF bridge, as the makers of provisioning CDs write them."""
    run("genisoimage", "-quiet", "-udf", "-V", "cidata", "-o", image, tree)


def test_configs_on_drives_and_discs_of_every_format_and_from_the_host_with_a_clock_from_1970(tmp_path: Path) -> None:
    vfat(tmp_path)
    iso9660(tmp_path / "iso9660.image", content(tmp_path, "iso9660", "user-data"))
    udf(tmp_path / "udf.image", content(tmp_path, "udf", "user-data"))
    disc = ("CustomData.bin", "ovf-env.xml")
    iso9660(tmp_path / "iso.disc", content(tmp_path, "iso-disc", *disc))
    udf(tmp_path / "udf.disc", content(tmp_path, "udf-disc", *disc))
    udf(tmp_path / "without.disc", content(tmp_path, "without", disc[1]))
    (tmp_path / "host.config").write_text(CONFIG % "host")
    command = [sys.executable, "-u", "-m", "tests.fetch.platforms.in_guest", "/run/guest"]
    ended = user_mode_linux.run(command, tmp_path, {}, 120)
    assert ended.output.splitlines() == [
        "the clock was before the day of the build True",
        "iso9660 ['/from-iso9660']",
        "udf ['/from-udf']",
        "vfat ['/from-vfat']",
        "azurestack iso ['/from-iso-disc']",
        "azurestack udf ['/from-udf-disc']",
        "azure udf ['/from-udf-disc']",
        "azurestack without none",
        "azure without none",
        "applehv ['/from-host']",
    ]
    assert ended.status == 0
