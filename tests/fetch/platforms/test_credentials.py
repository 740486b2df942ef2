"""A config in a credential of systemd, on a tree in the place of the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from shutil import which

import pytest

from provision.failures import FetchFailed
from provision.fetch.find_config import find_config
from provision.fetch.platforms.credentials import find_credential
from provision.fetch.running_system import SystemPaths
from provision.fetch.settings import FetchSettings
from provision.system.running_system.local_system import LocalSystem
from tests.recorded_log import RecordedLog

SYSTEM, ENCRYPTED, UNIT = "/run/credentials/@system", "/run/credentials/@encrypted", "/run/credentials/a.service"


class Machine:
    """A tree with credentials in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, directory: str, name: str, data: bytes) -> None:
        target = self.root / directory.lstrip("/") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def found(self, platform: str = "metal", **environment: str) -> tuple[str, str]:
        """The path of the only file of the config, and where the config was."""
        running_system = LocalSystem(SystemPaths.of(environment), str(self.root))
        acquired = find_config(platform, running_system, FetchSettings(http_total=3.0, offline=True))
        files = [file.path for file in acquired.config.storage.files]
        return " ".join(files), acquired.fetched[0].source


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def config(path: str) -> bytes:
    return b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "%s"}]}}' % path.encode()


def encrypted(data: bytes, name: str = "ignition.config") -> bytes:
    """A credential that every machine without a TPM can decrypt; systemd has renamed that kind of key."""
    if which("systemd-creds") is None:
        pytest.skip("systemd-creds is not installed")
    for key in ("null", "tpm2-absent"):
        argv = ["systemd-creds", "encrypt", f"--with-key={key}", f"--name={name}", "-", "-"]
        done = subprocess.run(argv, input=data, capture_output=True, check=False)
        if done.returncode == 0:
            return done.stdout
    pytest.skip(f"systemd-creds does not encrypt here: {done.stderr.decode()}")


@pytest.mark.parametrize("name", ["ignition.config", "system.config"])
def test_a_credential_of_the_system_is_the_config(machine: Machine, name: str) -> None:
    machine.write(SYSTEM, name, config("/a"))
    assert machine.found() == ("/a", f"credential {name}")


def test_ignition_config_comes_before_system_config(machine: Machine) -> None:
    machine.write(SYSTEM, "system.config", config("/system"))
    machine.write(SYSTEM, "ignition.config", config("/ignition"))
    assert machine.found()[0] == "/ignition"


def test_other_credentials_do_not_count(machine: Machine) -> None:
    machine.write(SYSTEM, "network.dns", b"192.0.2.1")
    assert machine.found() == ("", "metal")


def test_a_credential_of_the_unit_comes_first_and_the_platform_last(machine: Machine) -> None:
    machine.write("/sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config", "raw", config("/platform"))
    assert machine.found("qemu")[0] == "/platform"
    machine.write(ENCRYPTED, "ignition.config", b"of another machine")
    machine.write(SYSTEM, "system.config", config("/system"))
    assert machine.found("qemu")[0] == "/system"
    machine.write(UNIT, "system.config", config("/unit"))
    assert machine.found("qemu", CREDENTIALS_DIRECTORY=UNIT)[0] == "/unit"
    machine.write("/etc/ignition", "user.ign", config("/user"))
    assert machine.found("qemu", CREDENTIALS_DIRECTORY=UNIT) == ("/user", "system")


def test_an_encrypted_credential_is_decrypted(machine: Machine) -> None:
    machine.write(ENCRYPTED, "ignition.config", encrypted(config("/secret")))
    assert machine.found() == ("/secret", "credential ignition.config")


def test_plain_text_is_not_taken_from_the_encrypted_ones(machine: Machine) -> None:
    encrypted(b"")
    machine.write(ENCRYPTED, "ignition.config", config("/a"))
    with pytest.raises(FetchFailed, match=r"ignition\.config: systemd-creds could not decrypt it") as failed:
        machine.found()
    assert "--name=ignition.config" in failed.value.hint


def test_a_credential_of_another_name_is_not_taken(machine: Machine) -> None:
    """Otherwise any credential that this machine can decrypt could be put in the place of its config."""
    machine.write(ENCRYPTED, "ignition.config", encrypted(config("/a"), "network.dns"))
    with pytest.raises(FetchFailed, match="could not decrypt"):
        machine.found()


def test_without_systemd_creds_an_encrypted_one_is_an_error(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    machine.write(ENCRYPTED, "ignition.config", b"x")
    with pytest.raises(FetchFailed, match=r"there is no systemd-creds"):
        machine.found()


def test_only_root_can_look_for_them(machine: Machine, log: RecordedLog) -> None:
    """`provision fetch` of another user says so, and goes on."""
    machine.write(SYSTEM, "ignition.config", config("/a"))
    running_system = LocalSystem(root=str(machine.root))
    (machine.root / SYSTEM.lstrip("/")).chmod(0o000)
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        assert find_credential(running_system, log) is None
    finally:
        os.seteuid(user)
    assert any(SYSTEM in message and "denied" in message for message in log.at("warning"))
