"""A config in a credential of systemd: from SMBIOS or the hypervisor, or encrypted from the EFI system partition.

Source: systemd.exec(5) and systemd-creds(1) for the directories and their contents, systemd-stub(7) for the ESP.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from provision.failures import FetchFailed
from provision.fetch.running_system import RunningSystem
from provision.log import Log, silent

NAMES = ("ignition.config", "system.config")
"""Credentials that are taken for the config; the first of these that exists is used."""

SYSTEM = "/run/credentials/@system"
"""What the firmware or the hypervisor handed over, in plain text."""

ENCRYPTED = "/run/credentials/@encrypted"
"""Encrypted credentials of the EFI system partition. Everybody who can write there can replace them, so they are
only used after decryption."""


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
    path = running_system.path(credential.path)
    raw = running_system.run("systemd-creds", "decrypt", f"--name={credential.name}", path, "-")
    if raw is None:
        raise FetchFailed(
            credential.place,
            "systemd-creds could not decrypt it",
            hint=f"encrypt it on this machine or for its TPM: systemd-creds encrypt --name={credential.name}",
        )
    return raw
