"""Volume keys that never leave an IBM Z Crypto Express adapter (pervasive disk encryption, zkey(1)).

Written from the documentation of s390-tools and the reference implementation; only the plan is tested here.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Luks, Resource
from provision.planning.actions import Action, Argument, DeviceName, FetchBlob, RunProgram
from provision.planning.boot_state import REPOSITORY, kept_blobs, key_name
from provision.planning.machine_view import Device, Fact, MachineView

TOOLS = ("zkey", "zkey-cryptsetup")

KEY = "/etc/luks/cex.key"
"""The passphrase of the volumes; the initramfs brings it."""

KEY_BITS = 2 * 136 * 8
"""An XTS key is two CCA-AESCIPHER tokens of 136 bytes each (s390-tools, `zkey/pkey.h`)."""

_ADAPTERS = "/sys/bus/ap/devices"


def refusals(config_path: str, view: MachineView) -> Iterator[str]:
    """What is missing on this machine."""
    if not view.host_file(KEY):
        yield f"{config_path}.cex: there is no {KEY} in the running system"
    if not domains(view):
        yield f"{config_path}.cex: cannot find the cca ap controller (no CCA domain below {_ADAPTERS})"


def domains(view: MachineView) -> list[str]:
    """The domains of adapters in CCA mode, as `03.0039`."""
    import re

    names = [name for name in view.host_children(_ADAPTERS) if re.search(r"[0-9a-f]{2}\.[0-9a-f]{4}", name)]
    return [name for name in names if _is_cca(view.host_file(f"{_ADAPTERS}/{name}/uevent"))]


def _is_cca(uevent: bytes | None) -> bool:
    lines = (uevent or b"").decode(errors="replace").splitlines()
    return any(line.partition("=")[2].strip() == "cca" for line in lines)


def key_url(view: MachineView) -> str:
    """The passphrase as a data URL, so that it is kept like every other key."""
    return _data_url(view.host_file(KEY) or b"")


def _data_url(data: bytes) -> str:
    from base64 import b64encode

    return "data:;base64," + b64encode(data).decode()


def generate(luks: Luks, config_path: str, view: MachineView) -> Iterator[Action]:
    """Make the secure key."""
    touched = frozenset({f"own:{REPOSITORY}"})
    yield RunProgram(
        "make the key repository", ("mkdir", "-p", "-m", "0700", REPOSITORY), touched, config_path=config_path
    )
    argv = (
        *("zkey", "generate", "--name", key_name(luks), "--key-type", "CCA-AESCIPHER", "--xts"),
        *("--description", f"Secure Key for {luks.name} Volume", "--apqns", ",".join(domains(view))),
    )
    yield RunProgram(f"make the secure key of {luks.name}", argv, touched, config_path=config_path)


def format_options(luks: Luks) -> tuple[str, ...]:
    """What luksFormat needs, behind the device."""
    volume_key = f"{REPOSITORY}/{key_name(luks)}.skey"
    return ("--volume-key-file", volume_key, "--cipher", "paes-xts-plain64", "--key-size", str(KEY_BITS))


def after_format(luks: Luks, device: Device, config_path: str, view: MachineView) -> Iterator[Action]:
    """Set the verification pattern, and keep the files of the secure key for the installed system."""
    argv: tuple[Argument, ...] = ("zkey-cryptsetup", "setvp", DeviceName(device.name), "--key-file", KEY)
    facts: tuple[Fact, ...] = ()
    yield RunProgram(f"set the verification pattern of {luks.name}", argv, frozenset({device.name}), facts, config_path)
    for path, blob in kept_blobs(luks).items():
        source = Resource(source=_data_url(view.host_file(path) or b""))
        yield FetchBlob(source, blob, "", f"keep {path} for the installed system", config_path)
