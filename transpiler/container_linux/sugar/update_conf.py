"""The sections `update` and `locksmith`: the file /etc/coreos/update.conf.

Source: `config/types/{update,locksmith}.go` of coreos/container-linux-config-transpiler.
"""

from __future__ import annotations

from provision.config.rules.systemd import quoted
from transpiler.container_linux.records import ContainerLinuxConfig, Locksmith, Update

PATH = "/etc/coreos/update.conf"

_LOCKSMITH = {
    "reboot_strategy": "REBOOT_STRATEGY",
    "window_start": "LOCKSMITHD_REBOOT_WINDOW_START",
    "window_length": "LOCKSMITHD_REBOOT_WINDOW_LENGTH",
    "group": "LOCKSMITHD_GROUP",
    "etcd_endpoints": "LOCKSMITHD_ENDPOINT",
    "etcd_cafile": "LOCKSMITHD_ETCD_CAFILE",
    "etcd_certfile": "LOCKSMITHD_ETCD_CERTFILE",
    "etcd_keyfile": "LOCKSMITHD_ETCD_KEYFILE",
}
"""Key of `locksmith` -> variable, in the order of the file."""


def update_conf(config: ContainerLinuxConfig) -> str:
    """The text of update.conf; empty if there is nothing to write. Without a group, it begins with an empty line."""
    text = _update(config.update)
    lines = _locksmith(config.locksmith)
    return text + "".join(f"\n{line}" for line in lines)


def _update(section: Update) -> str:
    text = f"GROUP={section.group.lower()}" if section.group else ""
    for field in section.FIELDS:
        if field.name == "group":
            continue
        value = getattr(section, field.name)
        if value:
            text += f"\n{field.name.upper()}={value.reveal() if field.secret_type else value}"
    return text


def _locksmith(section: Locksmith) -> list[str]:
    given = ((variable, getattr(section, name)) for name, variable in _LOCKSMITH.items())
    return [f"{variable}={quoted(value)}" for variable, value in given if value is not None]
