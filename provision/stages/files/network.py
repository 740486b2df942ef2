"""The settings of the initramfs's network, where the kernel command line wants them in the root."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname

from provision.config.format import Config
from provision.planning.actions import Wave
from provision.planning.arguments import Content
from provision.planning.file_actions import WriteFile
from provision.planning.machine_view import MachineView
from provision.planning.root.target_paths import missing_parents, resolve_path

_FOLDERS = (
    "/etc/systemd/network",
    "/etc/NetworkManager/system-connections",
    "/etc/netplan",
    "/etc/network/interfaces.d",
    "/etc/sysconfig/network-scripts",
)

_SETTINGS = (
    r"/(etc|usr/lib|usr/local/lib)/"
    r"(systemd/network/.+\.(network|netdev)(\.d(/.+)?)?|NetworkManager/system-connections/.+|netplan/.+\.yaml"
    r"|network/interfaces(\.d/.+)?|sysconfig/network-scripts/ifcfg-(?!lo$).+)"
)
"""Files with settings of systemd-networkd, NetworkManager, netplan, ifupdown, and the network scripts of Fedora.

A .link is none: udev reads it, for the names of links.
"""

_INTERFACES = "/etc/network/interfaces"
"""The file of ifupdown, which every root of Debian may have: it counts if it configures more than the loopback."""

_IFACE = re.compile(rb"^\s*iface\s+(?!lo\s)", re.MULTILINE)

_GROUP = "systemd-network"

_CONNECTION = ".nmconnection"

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Write the settings that the boot state has; nothing if the config or the root has settings of any program.

    No file is replaced. Raises PlanRefused for a path that leads nowhere.
    """
    settings = view.boot_state().network_settings
    if not settings or _has_settings(config, view):
        return
    places = {resolve_path(view, path): text for path, text in _with_chosen_uuids(settings, view).items()}
    wave = tuple(_file(place, text, view) for place, text in places.items() if view.file_status(place) is None)
    if wave:
        yield wave


def _with_chosen_uuids(settings: Mapping[str, str], view: MachineView) -> Mapping[str, str]:
    """The settings with the same UUIDs in every plan of one provisioning, so that it goes on after an interruption.

    nm-initrd-generator gives connections other UUIDs in every boot. The connection of a port names its bond by one.
    """
    connections = {path: text for path, text in settings.items() if path.endswith(_CONNECTION)}
    if not connections:
        return settings
    from provision.planning.uuids import chosen_uuid

    own = {path: re.search(rf"^uuid=({_UUID.pattern})$", text, re.MULTILINE) for path, text in connections.items()}
    chosen = {found[1]: chosen_uuid(view, "connection", path) for path, found in own.items() if found}
    texts = {path: _UUID.sub(lambda found: chosen.get(found[0], found[0]), text) for path, text in connections.items()}
    return {**settings, **texts}


def _has_settings(config: Config, view: MachineView) -> bool:
    """Whether the config writes settings, or /etc of the root has any; those in /usr are defaults of a vendor."""
    if any(re.fullmatch(_SETTINGS, node.path) for node in (*config.storage.files, *config.storage.links)):
        return True
    if _IFACE.search(view.content(resolve_path(view, _INTERFACES)) or b""):
        return True
    return any(
        re.fullmatch(_SETTINGS, f"{folder}/{name}")
        for folder in _FOLDERS
        for name in view.children(dirname(resolve_path(view, f"{folder}/-")))
    )


def _file(path: str, text: str, view: MachineView) -> WriteFile:
    """A .netdev may hold the key of a tunnel, and systemd-networkd, which reads it, is not root (systemd.netdev(5))."""
    gid: int | None = 0
    mode = 0o600 if path.endswith(_CONNECTION) else 0o644
    if path.endswith(".netdev"):
        group = view.group(_GROUP)
        gid, mode = group.id if group else 0, 0o640
    parents = missing_parents(view, path)
    return WriteFile(path, (Content(text.encode()),), mode, gid=gid, parents=parents, exclusive=True)
