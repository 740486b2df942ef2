"""Lets a person log in by ssh while a boot that failed is held (`provision.on_failure=hold`).

The kernel command line names the keys that may log in as root: `provision.ssh_key=`, once for each key, is the second
word of a line of authorized_keys(5). Without it nobody can. sshd is in an initramfs that was built with
`provision_ssh=yes`. The host key is made at that time, so it is in no image; its fingerprint is on the consoles.
"""

from __future__ import annotations

import os
import time
from base64 import b64decode, b64encode

from provision.boot.failure.rows import cut
from provision.boot.run_files import RUN_DIR
from provision.failures import Failure
from provision.kernel_command_line import arguments

ARGUMENT = "provision.ssh_key"

FOLDER = f"{RUN_DIR}/ssh"
SHADOW = "/etc/shadow"

START_NETWORK = "/usr/lib/provision/start-network.sh"
"""The script of our units that starts the network; other initramfs have none."""

SETTINGS = f"""\
HostKey {FOLDER}/host_key
AuthorizedKeysFile {FOLDER}/authorized_keys
AuthenticationMethods publickey
PermitRootLogin prohibit-password
AllowUsers root
UsePAM no
AllowAgentForwarding no
AllowTcpForwarding no
PermitTunnel no
PidFile {FOLDER}/pid
"""
"""sshd_config(5)."""

ROWS = 3
"""How many rows of a console the messages take: two for the key of this host, one for its addresses."""

LONGEST_WAIT = 60.0
"""Seconds to wait for an address, to show it. A later one can be used too."""


def authorized_keys(command_line: str) -> str:
    """The lines of authorized_keys(5) for the keys of a kernel command line; empty if it has none. Raises Failure."""
    keys = (value.strip('"') for name, value in arguments(command_line) if name == ARGUMENT and value)
    return "".join(f"{_kind(key)} {key}\n" for key in keys)


def _kind(key: str) -> str:
    """The kind of a key, with which its bytes begin (RFC 4253, section 6.6). Raises Failure."""
    try:
        data = b64decode(key, validate=True)
        kind = data[4 : 4 + int.from_bytes(data[:4])].decode("ascii")
    except ValueError:  # no base64, or no ASCII
        kind = ""
    if not kind.startswith(("ssh-", "ecdsa-", "sk-")):
        hint = "write the second word of the .pub file, as AAAAC3NzaC1lZDI1NTE5AAAA..."
        raise Failure(f"kernel command line: the value of {ARGUMENT} is not a public key", hint=hint)
    return kind


def fingerprint(public_key: str) -> str:
    """The fingerprint of a public key, a line of a .pub file, as `ssh-keygen -l` shows it."""
    from hashlib import sha256

    return "SHA256:" + b64encode(sha256(b64decode(public_key.split()[1])).digest()).decode().rstrip("=")


def start_ssh(command_line: str) -> None:
    """Start the network and sshd, if the kernel command line names keys, and show on the consoles how to log in.

    Nothing is raised: the consoles show why nobody can log in.
    """
    from provision.system import consoles

    try:
        if keys := authorized_keys(command_line):
            public_key = _start_sshd(keys)
            consoles.show(
                f"Log in as root by ssh, with the key of {ARGUMENT}. The key of this host: {fingerprint(public_key)}"
            )
            _start_network()
            found = _addresses()
            consoles.show(
                cut(f"Its addresses: {' '.join(found)}", 1) if found else f"It has no address after {LONGEST_WAIT:g} s."
            )
    except Exception as error:  # noqa: BLE001 - the boot is held, whatever goes wrong here
        hint = f" (hint: {error.hint})" if isinstance(error, Failure) and error.hint else ""
        consoles.show(cut(f"Nobody can log in by ssh: {' '.join(str(error).splitlines())}{hint}", ROWS))


def _start_sshd(keys: str) -> str:
    """Start sshd, and return the public key of this host. Raises Failure, OSError."""
    from provision.system.private_files import write_private
    from provision.system.programs import processes

    program = processes.find("sshd")
    if program is None:
        raise Failure("there is no sshd in this initramfs", hint="build it with provision_ssh=yes in dracut.conf(5)")
    write_private(f"{FOLDER}/authorized_keys", keys.encode())
    write_private(f"{FOLDER}/config", SETTINGS.encode())
    _allow_keys_of_root()
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # where it runs without rights; it must be empty
    if not os.path.exists(f"{FOLDER}/host_key"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", f"{FOLDER}/host_key")
    _run(program, "-f", f"{FOLDER}/config")  # it goes on in the background
    with open(f"{FOLDER}/host_key.pub", encoding="ascii") as file:
        return file.read()


def _run(*argv: str) -> None:
    from provision.system.programs import processes

    done = processes.run(argv)
    if done.status != 0:
        raise Failure(f"{os.path.basename(argv[0])} failed: {done.last_lines}")


def _allow_keys_of_root() -> None:
    """Replace the `!` before the password of root by `*`: with `!` sshd refuses keys too. No password fits either."""
    from provision.system.private_files import read_private, write_private

    lines = (read_private(SHADOW) or b"").split(b"\n")
    if any(line.startswith(b"root:!") for line in lines):
        new = [
            b"root:*" + line.removeprefix(b"root:").lstrip(b"!") if line.startswith(b"root:!") else line
            for line in lines
        ]
        write_private(SHADOW, b"\n".join(new))


def _start_network() -> None:
    from provision.system.programs import processes

    if os.path.exists(START_NETWORK):
        processes.run(["sh", START_NETWORK])


def _addresses() -> list[str]:
    """The addresses of this machine, as soon as there is one; none after LONGEST_WAIT."""
    from provision.system.network import links

    end = time.monotonic() + LONGEST_WAIT
    while not (found := links.addresses()) and time.monotonic() < end:
        time.sleep(0.5)
    return found
