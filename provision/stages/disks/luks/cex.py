"""Volume keys that never leave an IBM Z Crypto Express adapter (pervasive disk encryption, zkey(1)).

Written from the documentation of s390-tools and after Ignition; only the plan is tested here, not an adapter.
"""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Luks
from provision.config.problems import Path, Problem
from provision.planning.actions import Action, RunProgram, StoreBlob
from provision.planning.arguments import Argument, Content, DeviceName
from provision.planning.luks_keys import ZKEY_REPOSITORY, secure_key_blobs, secure_key_name
from provision.planning.machine_view import Device, MachineView

TOOLS = ("zkey", "zkey-cryptsetup")

KEY = "/etc/luks/cex.key"
"""The passphrase of the volumes; the initramfs brings it."""

KEY_BITS = 2 * 136 * 8
"""An XTS key is two CCA-AESCIPHER tokens of 136 bytes each (s390-tools, `zkey/pkey.h`)."""

_ADAPTERS = "/sys/bus/ap/devices"


def refusals(config_path: Path, view: MachineView) -> Iterator[Problem]:
    """Problems for what is missing on this machine."""
    if not view.host_file(KEY):
        yield Problem((*config_path, "cex"), f"there is no {KEY} in the running system", rule="cex-key")
    if not domains(view):
        yield Problem(
            (*config_path, "cex"),
            f"cannot find the cca ap controller (no CCA domain below {_ADAPTERS})",
            rule="cex-controller",
        )


def domains(view: MachineView) -> list[str]:
    """The domains of adapters in CCA mode, as `03.0039`."""
    import re

    names = [name for name in view.host_children(_ADAPTERS) if re.search(r"[0-9a-f]{2}\.[0-9a-f]{4}", name)]
    return [name for name in names if _is_cca(view.host_file(f"{_ADAPTERS}/{name}/uevent"))]


def _is_cca(uevent: bytes | None) -> bool:
    lines = (uevent or b"").decode(errors="replace").splitlines()
    return any(line.partition("=")[2].strip() == "cca" for line in lines)


def passphrase(view: MachineView) -> bytes:
    """The passphrase of the volumes; empty if the running system has none; then `refusals` reports it."""
    return view.host_file(KEY) or b""


def generate(luks: Luks, config_path: Path, view: MachineView) -> Iterator[Action]:
    """Make the secure key."""
    touched = frozenset({f"own:{ZKEY_REPOSITORY}"})
    yield RunProgram(
        "make the key repository", ("mkdir", "-p", "-m", "0700", ZKEY_REPOSITORY), touched, config_path=config_path
    )
    argv = (
        *("zkey", "generate", "--name", secure_key_name(luks), "--key-type", "CCA-AESCIPHER", "--xts"),
        *("--description", f"Secure Key for {luks.name} Volume", "--apqns", ",".join(domains(view))),
    )
    yield RunProgram(f"make the secure key of {luks.name}", argv, touched, config_path=config_path)


def format_options(luks: Luks) -> tuple[str, ...]:
    """Arguments of luksFormat, after the device."""
    volume_key = f"{ZKEY_REPOSITORY}/{secure_key_name(luks)}.skey"
    return ("--volume-key-file", volume_key, "--cipher", "paes-xts-plain64", "--key-size", str(KEY_BITS))


def after_format(luks: Luks, device: Device, config_path: Path, view: MachineView) -> Iterator[Action]:
    """Set the verification pattern, and keep the files of the secure key for the installed system."""
    argv: tuple[Argument, ...] = ("zkey-cryptsetup", "setvp", DeviceName(device.name), "--key-file", KEY)
    yield RunProgram(f"set the verification pattern of {luks.name}", argv, frozenset({device.name}), (), config_path)
    for path, blob in secure_key_blobs(luks).items():
        content = Content(view.host_file(path) or b"")
        yield StoreBlob(content, blob, f"keep {path} for the installed system", config_path)
