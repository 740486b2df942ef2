"""Files that other programs read: replaced in one step, and keys with the rights of their owner."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from provision.failures import Failure
from provision.system.shared_files import write_keys, write_shared


def test_a_file_is_replaced_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a/b/file"
    write_shared(str(path), "one\n")
    os.link(path, tmp_path / "old")
    write_shared(str(path), "two\n", 0o600)
    assert (path.read_text(), (tmp_path / "old").read_text()) == ("two\n", "one\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {one.name for one in path.parent.iterdir()} == {"file"}


def test_a_pipe_and_standard_output_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_shared(str(pipe), "one\n")
    assert os.read(reading, 100) == b"one\n"
    os.close(reading)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    # not /dev/stdout, which a defect would replace on the machine of the tests
    code = "from provision.system.shared_files import write_shared; write_shared('/dev/fd/1', 'two\\n')"
    assert subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout == b"two\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="file is not a directory"):
        write_shared(f"{tmp_path}/file/below", "x")


def test_keys_of_nobody_known() -> None:
    with pytest.raises(Failure, match="there is no user 'no-such-user'"):
        write_keys("no-such-user", ["ssh-ed25519 AAAA"])


@pytest.mark.disks
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it makes an account")
def test_keys_are_written_with_the_rights_of_the_user() -> None:
    """A user who puts a link in place of the folder cannot let root write elsewhere."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))  # every user can enter it, other than tmp_path
    folder.chmod(0o755)
    home = folder / "home"
    name = "provision-test"
    subprocess.run(["useradd", "--create-home", "--home-dir", home, name], check=True)
    try:
        assert write_keys(name, ["ssh-ed25519 AAAA a"]) == (f"{home}/.ssh/authorized_keys.d/afterburn", True)
        written = home / ".ssh/authorized_keys.d/afterburn"
        found = written.stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (pwd.getpwnam(name).pw_uid, 0o600)
        assert write_keys(name, []) == (str(written), True)
        assert write_keys(name, []) == (str(written), False)
        written.parent.rmdir()
        victim = folder / "victim"
        victim.mkdir(mode=0o755)
        written.parent.symlink_to(victim)
        with pytest.raises(Failure, match="Permission denied"):
            write_keys(name, ["ssh-ed25519 AAAA a"])
        assert not [*victim.iterdir()]
    finally:
        subprocess.run(["userdel", name], check=True)
        shutil.rmtree(folder)
