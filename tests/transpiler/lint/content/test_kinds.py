"""The kind of a file by its path."""

from __future__ import annotations

import pytest

from transpiler.lint.content.kinds import FileKind, kind_of

NONE = FileKind("")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/etc/systemd/system/a.service", FileKind("unit", "a.service")),
        ("/etc//systemd/./system/a@.timer", FileKind("unit", "a@.timer")),
        ("/usr/local/lib/systemd/system/a.socket", FileKind("unit", "a.socket")),
        ("/run/systemd/user/a.path", FileKind("unit", "a.path", of_system=False)),
        ("/home/core/.config/systemd/user/a.service", FileKind("unit", "a.service", of_system=False)),
        (
            "/root/.config/systemd/user/a.service.d/b.conf",
            FileKind("unit", "a.service", is_dropin=True, of_system=False),
        ),
        ("/etc/systemd/system/a.service.d/b.conf", FileKind("unit", "a.service", is_dropin=True)),
        ("/etc/systemd/system/service.d/b.conf", FileKind("unit", "service", is_dropin=True)),
        ("/etc/systemd/system/a-.mount.d/b.conf", FileKind("unit", "a-.mount", is_dropin=True)),
        ("/etc/systemd/system/a.service.d/b.txt", NONE),
        ("/etc/systemd/system/multi-user.target.wants/a.service", NONE),
        ("/etc/systemd/system/a.env", NONE),
        ("/etc/containers/systemd/a.container", FileKind("quadlet", "a.container")),
        ("/etc/containers/systemd/deep/er/a.pod", FileKind("quadlet", "a.pod")),
        ("/etc/containers/systemd/a.container.d/b.conf", FileKind("quadlet", "a.container", is_dropin=True)),
        ("/etc/containers/systemd/users/1000/a.volume", FileKind("quadlet", "a.volume", of_system=False)),
        ("/var/home/x/.config/containers/systemd/a.kube", FileKind("quadlet", "a.kube", of_system=False)),
        ("/usr/share/containers/systemd/a.network", FileKind("quadlet", "a.network")),
        ("/etc/systemd/network/a.network", FileKind("network", "a.network")),
        ("/etc/systemd/network/a.netdev.d/b.conf", FileKind("network", "a.netdev", is_dropin=True)),
        ("/etc/systemd/system/a.network", NONE),
        ("/etc/systemd/journald.conf", FileKind("settings", "journald.conf", is_dropin=True)),
        ("/etc/systemd/resolved.conf.d/x.conf", FileKind("settings", "resolved.conf", is_dropin=True)),
        ("/srv/a.service", NONE),
    ],
)
def test_kinds(path: str, kind: FileKind) -> None:
    assert kind_of(path) == kind
