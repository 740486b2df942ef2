"""The sections `etcd`, `flannel` and `docker`, and the platform: drop-ins of units that Container Linux has.

Source: `config/types/{common,etcd,flannel,docker}.go` of coreos/container-linux-config-transpiler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provision.config.old_versions.format import OldDropin, OldUnit
from provision.config.problems import Path
from provision.config.rules.systemd import quoted
from transpiler.container_linux import options
from transpiler.container_linux.dialects import parse_version
from transpiler.container_linux.records import ContainerLinuxConfig, Docker, Etcd, Flannel
from transpiler.container_linux.sugar.dynamic_data import NEEDS_PROVIDER, filled_in, may_have_fields

METADATA_FILE = "/run/metadata/coreos"
METADATA_UNIT = "coreos-metadata.service"


class Service(NamedTuple):
    """A unit that was made, and the author's path of the section from which it was made."""

    unit: OldUnit
    path: Path


def provider(platform: str) -> Iterator[Service]:
    """The units that fetch metadata, with a drop-in that names the provider, on platforms that need it."""
    if platform not in NEEDS_PROVIDER:
        return
    text = f"[Service]\nEnvironment=COREOS_METADATA_OPT_PROVIDER=--provider={platform}"
    dropins = (OldDropin(name="20-clct-provider-override.conf", contents=text),)
    yield Service(OldUnit(name=METADATA_UNIT, dropins=dropins), ())
    yield Service(OldUnit(name="coreos-metadata-sshkeys@.service", enabled=True, dropins=dropins), ())


def docker(config: ContainerLinuxConfig) -> Iterator[Service]:
    """The drop-in with the flags of the Docker daemon."""
    if config.is_set("docker"):
        yield Service(_unit("docker.service", "20-clct-docker.conf", _docker_text(config.docker)), ("docker",))


def etcd(config: ContainerLinuxConfig, platform: str) -> Iterator[Service]:
    """The drop-in that starts etcd with its options. Raises UnknownField."""
    if config.is_set("etcd"):
        text = _text(config.etcd, "etcd", platform)
        yield Service(_unit("etcd-member.service", "20-clct-etcd-member.conf", text), ("etcd",))


def flannel(config: ContainerLinuxConfig, platform: str) -> Iterator[Service]:
    """The drop-in that starts flannel with its options, and writes its network config to etcd. Raises UnknownField."""
    if config.is_set("flannel"):
        text = _text(config.flannel, "flannel", platform) + _network_config(config.flannel)
        yield Service(_unit("flanneld.service", "20-clct-flannel.conf", text), ("flannel",))


def _unit(name: str, dropin: str, text: str) -> OldUnit:
    return OldUnit(name=name, enable=True, dropins=(OldDropin(name=dropin, contents=text),))


def _docker_text(section: Docker) -> str:
    return f'[Service]\nEnvironment="DOCKER_OPTS={" ".join(section.flags)}"'


def _text(section: Etcd | Flannel, program: str, platform: str) -> str:
    options_given = dict(_arguments(section))
    arguments = [filled_in(text, platform, name) for name, text in options_given.items()]
    head = []
    service = ["[Service]"]
    if any(map(may_have_fields, options_given.values())):
        head = ["[Unit]", f"Requires={METADATA_UNIT}", f"After={METADATA_UNIT}", ""]
        service.append(f"EnvironmentFile={METADATA_FILE}")
    if section.version is not None:
        service.append(f'Environment="{program.upper()}_IMAGE_TAG=v{parse_version(section.version).text}"')
    command = [f"/usr/lib/coreos/{program}-wrapper ${program.upper()}_OPTS", *arguments]
    return "\n".join([*head, *service, "ExecStart=", f"ExecStart={joined(command)}"])


def joined(command: Sequence[str]) -> str:
    """A command with each argument on a line of its own."""
    return " \\\n  ".join(command)


def _arguments(section: Etcd | Flannel) -> Iterator[tuple[str, str]]:
    """The options that are given: their names, and their texts on the command line."""
    for field in section.FIELDS:
        value = getattr(section, field.name)
        if field.name not in {"version", "network_config"} and value is not None:
            shown = quoted(value) if field.scalar is str else str(value).lower()
            yield field.name, f"{options.flag(field.name)}={shown}"


def _network_config(section: Flannel) -> str:
    if not section.network_config:
        return ""
    flags = {
        "--endpoints": "etcd_endpoints",
        "--ca-file": "etcd_cafile",
        "--cert-file": "etcd_certfile",
        "--key-file": "etcd_keyfile",
    }
    given = ((flag, getattr(section, name, None)) for flag, name in flags.items())
    words = [f"{flag}={quoted(value)}" for flag, value in given if value is not None]
    command = ["/usr/bin/etcdctl", *words, "set", "/coreos.com/network/config", quoted(section.network_config)]
    return f"\nExecStartPre={' '.join(command)}"
