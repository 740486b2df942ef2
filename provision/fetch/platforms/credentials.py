"""A config in a credential of systemd: from SMBIOS or the hypervisor, or encrypted from the EFI system partition.

Source: systemd.exec(5) and systemd-creds(1) for the directories and their contents, systemd-stub(7) for the ESP.
"""

from __future__ import annotations

import os
from base64 import b64decode
from typing import NamedTuple

from provision.failures import FetchFailed
from provision.fetch.retry import Deadline
from provision.fetch.running_system import RunningSystem
from provision.log import Log, silent

NAMES = ("ignition.config", "system.config")
"""Credentials that are taken for the config; the first of these that exists is used."""

SYSTEM = "/run/credentials/@system"
"""What the firmware or the hypervisor handed over, in plain text."""

ENCRYPTED = "/run/credentials/@encrypted"
"""Encrypted credentials of the EFI system partition. Everybody who can write there can replace them, so they are
only used after decryption."""

HOST, TPM, NONE, UNKNOWN = "host", "tpm2", "null", ""
"""What decrypts a credential: a key of the installed system, perhaps with the TPM; the TPM; a key that everybody knows.

UNKNOWN is for what is no encrypted credential, or of a later kind.
"""

KEYS = {
    "5a1c6a86df9d4096b1d5a65e0862f19a": HOST,
    "55b9ed1d38594d43a8319d2ebb332ac6": HOST,
    "93a894094874449090caf2fc93cab553": HOST,
    "ef4ac13679a9480ea7db68897f9f165d": HOST,
    "af4950a849134eb1a73846304ff30c05": HOST,
    "adbc4ca3efb64201ba881b6f2e4095ea": HOST,
    "0c7cc07b117645919c4b0bea08bc20fe": TPM,
    "faf7eb9341e3412ca1a436f95a29362f": TPM,
    "058469daf6f54324800549da0f8ea2fb": NONE,
}
"""The id with which an encrypted credential begins. Source: creds-util.h of systemd (CRED_AES256_GCM_BY_...)."""

CAUSES = {
    HOST: "it needs /var/lib/systemd/credential.secret of the installed system, which an initramfs does not have",
    TPM: "it is for another TPM, another state of the firmware (PCR 7: the keys of Secure Boot), or another name",
    NONE: "it has another name, or is damaged, or Secure Boot does not allow it, because its key is no secret",
    UNKNOWN: "it is not a credential that systemd-creds has encrypted",
}
"""Why it cannot be decrypted, by the key that it needs, on a machine that has a TPM if it needs one."""

NO_TPM = "it needs the TPM that it was encrypted for, and this machine has none"

HINT_TPM = "encrypt it on this machine, for its TPM: systemd-creds encrypt --with-key=tpm2"
HINT_NO_TPM = "without a TPM only a key that is no secret works: systemd-creds encrypt --with-key=auto-initrd"

TPM_DEVICES = "/sys/class/tpmrm"
"""The folder in which the kernel shows TPMs."""

TPM_DRIVERS = ("tpm_crb", "tpm_tis")
TPM_SECONDS = 30.0
"""How long to wait for a TPM that the firmware announces."""


class Credential(NamedTuple):
    """A credential that is there: its name, its path, and whether it is encrypted."""

    name: str
    path: str
    is_encrypted: bool = False

    @property
    def place(self) -> str:
        """The name that a log or a message shows."""
        return f"credential {self.name}"


def find_credential(running_system: RunningSystem, log: Log = silent) -> Credential | None:
    """The credential that is the config; None if there is none.

    The directory of this unit comes first (CREDENTIALS_DIRECTORY), then that of the system, then the encrypted ones.
    Only root can read them: for others there is a warning. Raises FetchFailed if root cannot read them.
    """
    own = running_system.paths.credentials_directory
    for directory in (*([own] if own else []), SYSTEM, ENCRYPTED):
        try:
            present = running_system.names(directory)
        except FetchFailed as failure:
            if os.geteuid() == 0:
                raise
            log("warning", f"credentials of systemd are not looked at: {failure.message}")
            continue
        for name in NAMES:
            if name in present:
                return Credential(name, f"{directory}/{name}", is_encrypted=directory == ENCRYPTED)
    return None


def read_credential(credential: Credential, running_system: RunningSystem) -> bytes:
    """The bytes of a credential, decrypted. Raises FetchFailed if it cannot be read or decrypted."""
    if not credential.is_encrypted:
        return running_system.read(credential.path) or b""
    if not running_system.has_program("systemd-creds"):
        raise FetchFailed(
            credential.place,
            "it is encrypted, and there is no systemd-creds",
            hint="add systemd-creds to the initramfs",
        )
    key = _needed_key(running_system.read(credential.path) or b"")
    if key == TPM:
        _await_tpm(running_system)
    path = running_system.path(credential.path)
    raw = running_system.run("systemd-creds", "decrypt", f"--name={credential.name}", path, "-")
    if raw is None:
        has_tpm = bool(running_system.names(TPM_DEVICES))
        raise FetchFailed(
            credential.place,
            f"systemd-creds could not decrypt it: {CAUSES[key] if has_tpm or key != TPM else NO_TPM}",
            hint=f"{HINT_TPM if has_tpm else HINT_NO_TPM} --name={credential.name}",
        )
    return raw


def _needed_key(encrypted: bytes) -> str:
    """What decrypts this credential: one of the keys of CAUSES."""
    try:
        return KEYS.get(b64decode(encrypted[:24]).hex()[:32], UNKNOWN)
    except ValueError:
        return UNKNOWN


def _await_tpm(running_system: RunningSystem) -> None:
    """Wait for the TPM if the firmware announces one by a table of ACPI. Often nothing before this has needed it."""
    if running_system.names(TPM_DEVICES) or "TPM2" not in running_system.names("/sys/firmware/acpi/tables"):
        return
    for driver in TPM_DRIVERS:
        running_system.load_module(driver)
    deadline = Deadline(TPM_SECONDS)
    while not running_system.names(TPM_DEVICES) and deadline.left():
        running_system.await_change(deadline.left())
