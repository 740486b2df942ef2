"""Binding a LUKS volume with clevis, so that it opens without a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provision.config.format import Luks
from provision.config.model import Secret
from provision.config.problems import Path
from provision.planning.actions import Action, RunProgram
from provision.planning.arguments import Argument, DeviceName
from provision.planning.facts import LuksHeaderFact
from provision.planning.machine_view import Device, LuksHeader


def advertisements(luks: Luks) -> list[str]:
    """The URLs of the Tang advertisements that are not in the config and have to be fetched."""
    from urllib.parse import urlsplit, urlunsplit

    parts = [urlsplit(tang.url) for tang in luks.clevis.tang if not tang.advertisement]
    return [urlunsplit(part._replace(path=part.path.rstrip("/") + "/adv")) for part in parts]


def tools(luks: Luks) -> Iterator[str]:
    """The programs that clevis starts for a volume: its parts are scripts, and an initramfs may lack some."""
    yield from ("clevis", "clevis-luks-bind", "clevis-luks-common-functions", "clevis-luks-unlock", "jose", "pwmake")
    if luks.clevis.custom.pin:
        yield f"clevis-encrypt-{luks.clevis.custom.pin}"
        return
    yield "clevis-encrypt-sss"
    if luks.clevis.tang or not luks.clevis.tpm2:
        yield from ("clevis-encrypt-tang", "curl")
    if luks.clevis.tpm2:
        yield from ("clevis-encrypt-tpm2", "tpm2_createprimary", "tpm2_create")


def bind(luks: Luks, device: Device, key: Argument, header: LuksHeader, config_path: Path) -> Iterator[Action]:
    """Bind the open volume, and open it with clevis once, if that is possible here.

    clevis takes its configuration only as an argument. Ours holds nothing secret; the one that the config gives
    (`custom`) is a `Secret`, so our messages never show it.
    """
    pin, config = _pin(luks)
    argv = ("clevis", "luks", "bind", "-f", "-k", key, "-d", DeviceName(device.name), pin, config)
    bound = LuksHeaderFact(device.name, header._replace(tokens=(*header.tokens, "clevis")))
    yield RunProgram(f"bind {luks.name} with clevis ({pin})", argv, frozenset({device.name}), (bound,), config_path)
    if _can_open_here(luks):
        mapping = f"/dev/mapper/{luks.name}"
        touched = frozenset({device.name, mapping})
        yield RunProgram(f"close {luks.name}", ("cryptsetup", "luksClose", luks.name), touched, config_path=config_path)
        unlock = ("clevis", "luks", "unlock", "-d", DeviceName(device.name), "-n", luks.name)
        yield RunProgram(f"open {luks.name} with clevis", unlock, touched, (bound,), config_path)


def _can_open_here(luks: Luks) -> bool:
    """Whether the volume can be opened now: the servers that have answered and the TPM are enough.

    A server whose advertisement is in the config was not contacted, and may be out of reach.
    """
    clevis = luks.clevis
    here = sum(not tang.advertisement for tang in clevis.tang) + bool(clevis.tpm2)
    return here >= (1 if clevis.threshold is None else clevis.threshold)


def _pin(luks: Luks) -> tuple[str, str]:
    import json

    custom = luks.clevis.custom
    if custom.pin:
        return custom.pin, Secret(custom.config or "")
    return "sss", json.dumps(_shares(luks), separators=(",", ":"))


def _shares(luks: Luks) -> dict[str, Any]:
    """The configuration of Shamir's secret sharing over all servers and the TPM (clevis-encrypt-sss(1))."""
    import json

    clevis = luks.clevis
    pins: dict[str, Any] = {}
    if clevis.tang or not clevis.tpm2:
        pins["tang"] = [
            {
                "url": tang.url,
                **({"thp": tang.thumbprint} if tang.thumbprint else {}),
                **({"adv": json.loads(tang.advertisement)} if tang.advertisement else {}),
            }
            for tang in clevis.tang
        ]
    if clevis.tpm2:
        pins["tpm2"] = {}
    return {"pins": pins, "t": 1 if clevis.threshold is None else clevis.threshold}
