from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision.planning.machine_view import Signature
from provision.system.block import luks_header
from provision.system.block.signatures import ProbeFailed, probe

UUID = "01234567-89ab-4def-8123-456789abcdef"
MIB = 1 << 20


def image(folder: Path, size: int = 320 * MIB) -> str:
    path = folder / "disk.img"
    path.touch()
    os.truncate(path, size)
    return str(path)


def test_no_signature(tmp_path: Path) -> None:
    assert probe(image(tmp_path)) == Signature()


@pytest.mark.parametrize("label", ["data", "a b", "\N{ROCKET}é", 'q"$\\x41`', "\t=;"])
def test_every_byte_of_a_label_arrives(tmp_path: Path, label: str) -> None:
    path = image(tmp_path)
    subprocess.run(["mkfs.ext4", "-q", "-L", label, "-U", UUID, path], check=True)
    assert probe(path) == Signature("ext4", label, UUID)


def test_a_part_of_an_image(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["mkfs.ext4", "-q", "-L", "part", "-U", UUID, "-E", f"offset={8 * MIB}", path, "8M"], check=True)
    assert probe(path, 8 * MIB, 8 * MIB) == Signature("ext4", "part", UUID)
    assert probe(path, 16 * MIB, 8 * MIB) == Signature()


def test_several_signatures(tmp_path: Path) -> None:
    path = image(tmp_path)
    subprocess.run(["mkfs.ext4", "-q", "-L", "first", "-U", UUID, path], check=True)
    with open(path, "r+b") as disk:
        disk.write(_xfs_superblock(tmp_path))
    found = probe(path)
    assert found.ambivalent
    assert found.type in {"ext4", "xfs"}


def test_no_such_device(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe(str(tmp_path / "nothing"))


def test_a_device_that_gives_only_errors_is_not_taken_for_blank() -> None:
    """Address 0 of a process can be opened and not be read: EIO, as from a broken disk."""
    with pytest.raises(ProbeFailed, match="cannot be read: Input/output error"):
        probe("/proc/self/mem")


def test_a_luks_header(tmp_path: Path) -> None:
    path = image(tmp_path, 32 * MIB)
    assert luks_header.read(path) is None
    cheap = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"]
    subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks2", *cheap, path], input=b"key", check=True)
    found = luks_header.read(path)
    assert found is not None
    assert (found.version, found.flags, found.tokens, found.opened) == (2, (), (), "")
    token = b'{"type": "clevis", "keyslots": ["0"]}'
    subprocess.run(["cryptsetup", "token", "import", path], input=token, check=True)
    found = luks_header.read(path)
    assert found is not None
    assert found.tokens == ("clevis",)
    assert probe(path).type == "crypto_LUKS"


def test_an_old_luks_header(tmp_path: Path) -> None:
    path = image(tmp_path, 32 * MIB)
    argv = ["cryptsetup", "luksFormat", "-q", "--type", "luks1", "--pbkdf-force-iterations", "1000", path]
    subprocess.run(argv, input=b"key", check=True)
    found = luks_header.read(path)
    assert found is not None
    assert found.version == 1


def _xfs_superblock(folder: Path) -> bytes:
    path = folder / "xfs.img"
    path.touch()
    os.truncate(path, 320 * MIB)
    subprocess.run(["mkfs.xfs", "-q", str(path)], check=True)
    with path.open("rb") as disk:
        return disk.read(512)
