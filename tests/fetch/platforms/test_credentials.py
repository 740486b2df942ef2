"""A config in a credential of systemd, on a tree in the place of the machine."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from pathlib import Path
from shutil import which

import pytest

from provision.failures import FetchFailed
from provision.fetch.find_config import find_config
from provision.fetch.platforms.credentials import NONE, UNKNOWN, _needed_key, find_credential, read_credential
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
    with pytest.raises(
        FetchFailed, match=r"ignition\.config: systemd-creds could not decrypt it: it is not a"
    ) as failed:
        machine.found()
    assert failed.value.hint.endswith("--with-key=auto-initrd --name=ignition.config")


def header(key: str) -> bytes:
    """The beginning of an encrypted credential, which nobody can decrypt."""
    return b64encode(bytes.fromhex(key) + bytes(100))


@pytest.mark.parametrize(
    ("key", "cause"),
    [
        ("5a1c6a86df9d4096b1d5a65e0862f19a", "needs /var/lib/systemd/credential.secret"),
        ("93a894094874449090caf2fc93cab553", "needs /var/lib/systemd/credential.secret"),
        ("0c7cc07b117645919c4b0bea08bc20fe", "this machine has none"),
        ("058469daf6f54324800549da0f8ea2fb", "its key is no secret"),
        ("00" * 16, "is not a credential"),
    ],
)
def test_the_key_that_is_missing_is_named(machine: Machine, key: str, cause: str) -> None:
    """The ids are those that systemd-creds writes for host, host+tpm2, tpm2 and null."""
    encrypted(b"")
    machine.write(ENCRYPTED, "ignition.config", header(key))
    with pytest.raises(FetchFailed, match=cause):
        machine.found()


def test_the_needed_key_is_read_from_what_systemd_creds_wrote() -> None:
    assert _needed_key(encrypted(b"")) == NONE
    assert _needed_key(b"\xff") == _needed_key(b"") == _needed_key(b"AAAAA") == UNKNOWN


class SlowMachine(LocalSystem):
    """A machine whose TPM comes with the second event."""

    events = 0
    drivers: tuple[str, ...] = ()

    def await_change(self, seconds: float) -> None:
        assert seconds > 0
        self.events += 1
        if self.events == 2:
            Path(self.path("/sys/class/tpmrm/tpmrm0")).mkdir(parents=True)

    def load_module(self, name: str) -> None:
        self.drivers += (name,)


def test_a_tpm_that_the_firmware_announces_is_waited_for(machine: Machine) -> None:
    encrypted(b"")
    machine.write("/sys/firmware/acpi/tables", "TPM2", b"")
    machine.write(ENCRYPTED, "ignition.config", header("0c7cc07b117645919c4b0bea08bc20fe"))
    running_system = SlowMachine(root=str(machine.root))
    credential = find_credential(running_system)
    assert credential is not None
    with pytest.raises(FetchFailed, match="it is for another TPM") as failed:
        read_credential(credential, running_system)
    assert "--with-key=tpm2 " in failed.value.hint
    assert running_system.events == 2
    assert running_system.drivers == ("tpm_crb", "tpm_tis")


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
