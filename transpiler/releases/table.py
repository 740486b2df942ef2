"""The table of targets: what each release of a distribution can read and run.

Sources: for Fedora CoreOS up to 41, the lock files of coreos/fedora-coreos-config when the `stable` stream moved to the
release (41: `next-devel`); after that, `ignition-version` in coreos/fedora-coreos-docs (antora.yml) at that time, and
Fedora's packages of systemd and podman. For Flatcar, the ebuilds in the tag `stable-N.2.x` of flatcar/scripts. For
OpenShift, `InternalMCOIgnitionVersion` and the types that branch `release-4.N` of openshift/machine-config-operator
imports; RHEL CoreOS is RHEL 8 up to 4.12 and RHEL 9 after it (openshift/openshift-docs#66588). For Debian, its
packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from provision.config.model import NEWEST, VERSIONS, minor

SPEC_OF_IGNITION: Mapping[str, str] = {
    "2.0": "3.0",
    "2.3": "3.1",
    "2.7": "3.2",
    "2.11": "3.3",
    "2.15": "3.4",
    "2.20": "3.5",
    "2.26": "3.6",
}
"""The first Ignition that reads a version of the format. Source: coreos/ignition, docs/specs.md."""


class Release(NamedTuple):
    """A release of a distribution.

    `spec_minor` is the newest version of the format that it reads, an index into VERSIONS; with `reads_old`, it reads
    version 2.3 too. Its systemd is of version `systemd`; `podman`, `openssh` and `networkmanager` are empty if their
    version is not known. These programs also have the settings `backports` of later versions. `ignition` is empty where
    no version of Ignition decides what it reads. `variants` are the variants of Butane that are made for it; empty if
    all are.
    """

    name: str
    title: str
    variants: frozenset[str]
    spec_minor: int
    systemd: int
    ignition: str = ""
    reads_old: bool = False
    backports: frozenset[str] = frozenset()
    podman: str = ""
    openssh: str = ""
    networkmanager: str = ""

    @property
    def spec(self) -> str:
        """The newest version of the format, as configs write it."""
        return VERSIONS[self.spec_minor]


_FCOS: Mapping[int, tuple[str, int, str, str, str]] = {
    36: ("2.14", 250, "4.1", "8.8", "1.36"),
    37: ("2.14", 251, "4.3", "8.8", "1.40"),
    38: ("2.15", 253, "4.5", "9.0", "1.42"),
    39: ("2.16", 254, "4.7", "9.3", "1.44"),
    40: ("2.18", 255, "5.0", "9.6", "1.46"),
    41: ("2.20", 256, "5.2", "9.8", "1.50"),
    42: ("2.21", 257, "", "", ""),
    43: ("2.24", 258, "5.6", "", ""),
    44: ("2.26", 259, "5.8", "", ""),
}
"""Release -> its Ignition, systemd, podman, OpenSSH, NetworkManager when it began; later images may have newer ones."""

_FEDORA = frozenset({"RequiredRSASize"})
"""Settings of later versions in the sshd of Fedora. Source: its patch "minrsabits"."""

_FLATCAR: Mapping[int, tuple[str, int, str]] = {
    3815: ("2.15", 252, "9.5"),
    3975: ("2.18", 255, "9.7"),
    4081: ("2.19", 255, "9.7"),
    4152: ("2.20", 255, "9.8"),
    4230: ("2.20", 256, "9.8"),
    4459: ("2.22", 256, "10.0"),
    4593: ("2.24", 257, "10.2"),
}
"""Release -> its Ignition, systemd and OpenSSH when it began."""

_OPENSHIFT: Mapping[str, range] = {"3.2": range(8, 14), "3.4": range(14, 19), "3.5": range(19, 22)}
"""The newest version of the format that the Machine Config Operator reads -> minor versions of OpenShift 4."""

_FIRST_WITH_RHEL_9 = 13

_RHEL_8 = frozenset(
    {
        *("AllowedCPUs", "AllowedMemoryNodes", "AlternativeName", "AlternativeNamesPolicy", "CPUQuotaPeriodSec"),
        *("DefaultMemoryLow", "DefaultMemoryMin", "ExecCondition", "FlushPending", "IODeviceLatencyTargetSec"),
        *("LogRateLimitBurst", "LogRateLimitIntervalSec", "MemoryMin", "NUMAMask", "NUMAPolicy", "PassPacketInfo"),
        "RestrictSUIDSGID",
    }
)
"""Settings of later versions in the systemd of RHEL 8. Source: redhat-plumbers/systemd-rhel8."""

_RHEL_9 = frozenset({"ReloadSignal", "RestartMode"})
"""Settings of later versions in the systemd of RHEL 9. Source: redhat-plumbers/systemd-rhel9."""

_DEBIAN: Mapping[int, tuple[int, str, str, str]] = {
    12: (252, "4.3", "9.2", "1.42"),
    13: (257, "5.4", "10.0", "1.52"),
}
"""Release -> its systemd, podman, OpenSSH and NetworkManager."""


def spec_of(ignition: str) -> int:
    """The newest version of the format that a version of Ignition such as `2.21` reads, an index into VERSIONS."""
    known = [spec for first, spec in SPEC_OF_IGNITION.items() if version_key(first) <= version_key(ignition)]
    return minor(known[-1])


def version_key(version: str) -> tuple[int, ...]:
    """The numbers of a version such as `2.21`, for comparison."""
    return tuple(int(number) for number in version.split("."))


@cache
def releases() -> Mapping[str, Release]:
    """All releases by name, the oldest of each distribution first."""
    return {one.name: one for made in (_fcos(), _flatcar(), _openshift(), _debian()) for one in made}


def _fcos() -> Iterable[Release]:
    for number, (ignition, systemd, podman, openssh, networkmanager) in _FCOS.items():
        yield Release(
            f"fcos-{number}",
            f"Fedora CoreOS {number}",
            frozenset({"fcos"}),
            spec_of(ignition),
            systemd,
            ignition,
            backports=_FEDORA,
            podman=podman,
            openssh=openssh,
            networkmanager=networkmanager,
        )


def _flatcar() -> Iterable[Release]:
    for number, (ignition, systemd, openssh) in _FLATCAR.items():
        yield Release(
            f"flatcar-{number}",
            f"Flatcar Container Linux {number}",
            frozenset({"flatcar"}),
            spec_of(ignition),
            systemd,
            ignition,
            reads_old=True,
            openssh=openssh,
        )


def _openshift() -> Iterable[Release]:
    for spec, numbers in _OPENSHIFT.items():
        for number in numbers:
            base = (239, _RHEL_8) if number < _FIRST_WITH_RHEL_9 else (252, _RHEL_9)
            yield Release(
                f"openshift-4.{number}",
                f"OpenShift 4.{number} (RHEL CoreOS)",
                frozenset({"openshift"}),
                minor(spec),
                base[0],
                backports=base[1],
            )


def _debian() -> Iterable[Release]:
    for number, (systemd, podman, openssh, networkmanager) in _DEBIAN.items():
        yield Release(
            f"debian-{number}",
            f"Debian {number}, provisioned by this project",
            frozenset(),
            NEWEST,
            systemd,
            reads_old=True,
            podman=podman,
            openssh=openssh,
            networkmanager=networkmanager,
        )
