"""A pair of keys for ssh that lives as long as a virtual machine."""

from __future__ import annotations

import os
from typing import NamedTuple

from provision.failures import ActionFailed
from provision.system.programs import processes


class SshKey(NamedTuple):
    """The line of the public key, and the file of the private one."""

    public: str
    file: str


def make_key(folder: str) -> SshKey:
    """Make a pair of keys in a folder. Raises ActionFailed."""
    file = os.path.join(folder, "key")
    done = processes.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "provision try", "-f", file])
    if done.status != 0:
        raise ActionFailed("making a key for ssh", done.last_lines)
    with open(f"{file}.pub", encoding="ascii") as public:
        return SshKey(public.read().strip(), file)
