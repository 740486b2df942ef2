"""Binding a LUKS volume with clevis, so that it opens without a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provision.config.format import Luks
from provision.config.model import Secret
from provision.config.problems import Path
from provision.planning.actions import Action, Argument, DeviceName, RunProgram
from provision.planning.facts import LuksHeaderFact
from provision.planning.machine_view import Device, LuksHeader


def advertisements(luks: Luks) -> list[str]:
    """Where the tang servers whose advertisement is not in the config are asked for it."""
    from urllib.parse import urlsplit, urlunsplit

    parts = [urlsplit(tang.url) for tang in luks.clevis.tang if not tang.advertisement]
    return [urlunsplit(part._replace(path=part.path.rstrip("/") + "/adv")) for part in parts]


def bind(luks: Luks, device: Device, key: Argument, header: LuksHeader, config_path: Path) -> Iterator[Action]:
    """Bind the open volume, and where it can be opened this way here and now, prove it.

    clevis takes its configuration as an argument only. Ours holds what is public; the one that the config gives
    (`custom`) is kept out of every text as a secret.
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
    """Servers that answered, and the TPM, are enough to open it; those known by advertisement may be out of reach."""
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
