"""The host name and the administrator of a machine as Ignition configs, for the folder of a system's own configs.

Source: `src/ignition.rs` and `src/cli/render_ignition.rs` of Afterburn.
"""

from __future__ import annotations

from provision.config.format import Config, File, Passwd, Resource, Storage, User
from provision.config.json_text.encode import encode
from provision.config.resources.data_urls import percent_encoded

SPEC_MINOR = 0
"""Version 3.0 says all of it."""


def hostname_config(name: str) -> str:
    """A config that writes /etc/hostname."""
    contents = Resource(source=percent_encoded(name.encode()))
    file = File(path="/etc/hostname", mode=0o644, overwrite=True, contents=contents)
    return encode(Config(storage=Storage(files=(file,))), SPEC_MINOR, indent=2)


def user_config(name: str, ssh_keys: tuple[str, ...]) -> str:
    """A config that gives an account its SSH keys."""
    return encode(Config(passwd=Passwd(users=(User(name=name, ssh_authorized_keys=ssh_keys),))), SPEC_MINOR, indent=2)
