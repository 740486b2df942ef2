"""Who may log in while a failed boot is held."""

from __future__ import annotations

import pytest

from provision.boot.failure.ssh_login import authorized_keys, fingerprint
from provision.failures import Failure

ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIGpasLtGk2cJRgz1pMmqPNYvAtq5wE1fQ2n6hG8k0ooY"
ECDSA = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAB"
ECDSA += "BBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="


def test_each_key_of_the_kernel_command_line_is_a_line_with_its_kind() -> None:
    command_line = f"quiet provision.ssh_key={ED25519} rw provision.ssh_key={ECDSA}\n"
    assert authorized_keys(command_line) == f"ssh-ed25519 {ED25519}\necdsa-sha2-nistp256 {ECDSA}\n"


@pytest.mark.parametrize("command_line", ["quiet", "provision.ssh_key= quiet", "provision.ssh_key"])
def test_without_a_key_nobody_may_log_in(command_line: str) -> None:
    assert authorized_keys(command_line) == ""


@pytest.mark.parametrize(
    "key", ["ssh-ed25519", ED25519[:-2], "AAAA", "Zm9vYmFy", f"{ED25519[:30]}\xff", "AAAAAzEyMw=="]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(Failure, match="is not a public key"):
        authorized_keys(f"provision.ssh_key={key}")


def test_the_fingerprint_is_that_of_ssh_keygen() -> None:
    assert fingerprint(f"ssh-ed25519 {ED25519}\n") == "SHA256:UncAGncWck8AtdOld3IlYz32hwbsQAb1yCWBjDbGDMg"
