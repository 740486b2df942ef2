"""Volume keys that never leave an IBM Z Crypto Express adapter (pervasive disk encryption, zkey(1)).

Written from the documentation of s390-tools and the reference implementation; only the plan is tested here.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Luks, Resource
from provision.planning.actions import Action, Argument, DeviceName, Fetch, Run
from provision.planning.boot_state import REPOSITORY, kept_blobs, key_name
from provision.planning.machine_view import Device, Fact, Observe

TOOLS = ("zkey", "zkey-cryptsetup")

KEY = "/etc/luks/cex.key"
"""The passphrase of the volumes; the initramfs brings it."""

KEY_BITS = 2 * 136 * 8
"""An XTS key is two CCA-AESCIPHER tokens of 136 bytes each (s390-tools, `zkey/pkey.h`)."""

_ADAPTERS = "/sys/bus/ap/devices"


def refusals(where: str, observe: Observe) -> Iterator[str]:
    """What is missing on this machine."""
    if not observe.own_file(KEY):
        yield f"{where}.cex: there is no {KEY} in the running system"
    if not domains(observe):
        yield f"{where}.cex: cannot find the cca ap controller (no CCA domain below {_ADAPTERS})"


def domains(observe: Observe) -> list[str]:
    """The domains of adapters in CCA mode, as `03.0039`."""
    import re

    names = [name for name in observe.own_names(_ADAPTERS) if re.search(r"[0-9a-f]{2}\.[0-9a-f]{4}", name)]
    return [name for name in names if _is_cca(observe.own_file(f"{_ADAPTERS}/{name}/uevent"))]


def _is_cca(uevent: bytes | None) -> bool:
    lines = (uevent or b"").decode(errors="replace").splitlines()
    return any(line.partition("=")[2].strip() == "cca" for line in lines)


def key_url(observe: Observe) -> str:
    """The passphrase as a data URL, so that it is kept like every other key."""
    return _data_url(observe.own_file(KEY) or b"")


def _data_url(data: bytes) -> str:
    from base64 import b64encode

    return "data:;base64," + b64encode(data).decode()


def generate(luks: Luks, where: str, observe: Observe) -> Iterator[Action]:
    """Make the secure key."""
    touched = frozenset({f"own:{REPOSITORY}"})
    yield Run("make the key repository", ("mkdir", "-p", "-m", "0700", REPOSITORY), touched, reason=where)
    argv = (
        *("zkey", "generate", "--name", key_name(luks), "--key-type", "CCA-AESCIPHER", "--xts"),
        *("--description", f"Secure Key for {luks.name} Volume", "--apqns", ",".join(domains(observe))),
    )
    yield Run(f"make the secure key of {luks.name}", argv, touched, reason=where)


def format_options(luks: Luks) -> tuple[str, ...]:
    """What luksFormat needs, behind the device."""
    volume_key = f"{REPOSITORY}/{key_name(luks)}.skey"
    return ("--volume-key-file", volume_key, "--cipher", "paes-xts-plain64", "--key-size", str(KEY_BITS))


def after_format(luks: Luks, device: Device, where: str, observe: Observe) -> Iterator[Action]:
    """Set the verification pattern, and keep the files of the secure key for the installed system."""
    argv: tuple[Argument, ...] = ("zkey-cryptsetup", "setvp", DeviceName(device.name), "--key-file", KEY)
    facts: tuple[Fact, ...] = ()
    yield Run(f"set the verification pattern of {luks.name}", argv, frozenset({device.name}), facts, where)
    for path, blob in kept_blobs(luks).items():
        source = Resource(source=_data_url(observe.own_file(path) or b""))
        yield Fetch(source, blob, "", f"keep {path} for the installed system", where)
