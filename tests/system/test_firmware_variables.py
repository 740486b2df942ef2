"""Variables of the EFI firmware, on a folder of an ordinary file system in place of efivarfs.

The boot matrix uses the real one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.failures import Failure
from provision.system.firmware_variables import Variable

NAME = "Test-00000000-0000-4000-8000-000000000000"


@pytest.fixture
def immutable(tmp_path: Path) -> Iterator[Path]:
    """The file of a variable as Linux shows it: nobody can change or remove it before its flag is cleared."""
    file = tmp_path / NAME
    file.write_bytes(b"\x07\0\0\0old")
    if os.geteuid() != 0 or subprocess.run(["chattr", "+i", file], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files, or this user may not make them")
    with pytest.raises(PermissionError):
        file.write_bytes(b"")
    yield file
    if file.exists():
        subprocess.run(["chattr", "-i", file], check=True)


def test_attributes_stand_before_the_data(tmp_path: Path) -> None:
    variable = Variable(NAME, str(tmp_path))
    assert variable.read() is None
    variable.write(b"text")
    assert (tmp_path / NAME).read_bytes() == b"\x07\0\0\0text"
    assert variable.read() == b"text"
    assert variable.remove()
    assert not variable.remove()
    assert variable.read() is None


def test_a_file_that_the_firmware_refused_is_no_variable(tmp_path: Path) -> None:
    """Linux keeps the empty file until efivarfs is unmounted."""
    (tmp_path / NAME).touch()
    assert Variable(NAME, str(tmp_path)).read() is None


def test_what_cannot_be_read_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(Failure, match=f"EFI variable {NAME} cannot be read: Is a directory") as caught:
        Variable(NAME, str(tmp_path)).read()
    assert "dmesg" in caught.value.hint


def test_a_protected_variable_is_replaced_and_protected_again(immutable: Path) -> None:
    Variable(NAME, str(immutable.parent)).write(b"new")
    assert immutable.read_bytes() == b"\x07\0\0\0new"
    with pytest.raises(PermissionError):
        immutable.unlink()


def test_a_protected_variable_is_removed(immutable: Path) -> None:
    assert Variable(NAME, str(immutable.parent)).remove()
    assert not immutable.exists()


def test_what_is_not_read_back_was_not_written(tmp_path: Path) -> None:
    """As firmware that says yes and does nothing."""
    (tmp_path / NAME).symlink_to("/dev/null")
    with pytest.raises(Failure, match=f"EFI variable {NAME} cannot be written: Input/output error"):
        Variable(NAME, str(tmp_path)).write(b"text")


SCRIPT = f"""
mount -t tmpfs -o "$2" none "$1" && head -c "$3" /dev/zero >"$1/other" && mount -o "remount,$4" "$1" || exit 99
exec python3 -c '
import sys
from provision.failures import Failure
from provision.system.firmware_variables import Variable
try:
    Variable("{NAME}", sys.argv[1]).check_writable(1024)
except Failure as failure:
    print(failure.message.rpartition(": ")[2])
' "$1"
"""


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
@pytest.mark.parametrize(
    ("options", "filled", "mode", "said"),
    [
        ("size=8192", 0, "rw", ""),
        ("size=8192", 8192, "rw", "No space left on device\n"),
        ("size=8192", 0, "ro", "Read-only file system\n"),
        ("size=0", 8192, "rw", ""),  # as before Linux 6.5: nothing is known about the free space
    ],
)
def test_what_can_be_known_before_writing(options: str, filled: int, mode: str, said: str, tmp_path: Path) -> None:
    argv = ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", str(tmp_path), options, str(filled), mode]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, said), done.stderr
