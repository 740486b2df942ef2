"""The initramfs has what platforms need: the kernel modules and programs that sources name."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

from provision.fetch.platforms.drives import ByMachine
from provision.fetch.platforms.hypervisors import hyperv, virtualbox, vmware, zvm
from provision.fetch.platforms.sources import FirstOf, Source, Together
from provision.fetch.platforms.table import PLATFORMS

CONTENTS = Path(__file__).parents[3] / "dracut/engine/contents.sh"


def installed(*lists: str) -> set[str]:
    """The words of lists of the file that says what an initramfs contains."""
    script = f'. "$0"; echo {" ".join(f"${one}" for one in lists)}'
    return set(
        subprocess.run(["sh", "-c", script, CONTENTS], capture_output=True, text=True, check=True).stdout.split()
    )


def parts(source: Source) -> Iterator[Source]:
    if isinstance(source, ByMachine):
        yield from (source.usual, source.other)
    else:
        yield from source.sources if isinstance(source, FirstOf | Together) else [source]


def test_kernel_modules() -> None:
    of_sources = {getattr(part, "module", "") for one in PLATFORMS.values() for part in parts(one.source)} - {""}
    of_conversations = {hyperv.MODULE, virtualbox.MODULE, vmware.VSOCK_MODULE, zvm.MODULE}
    assert of_sources | of_conversations <= installed("provision_drivers")
    assert {"isofs", "udf", "vfat", "vmw_vsock_virtio_transport"} <= installed("provision_drivers")


def test_programs() -> None:
    assert {vmware.TOOL, "chccwdev", "cio_ignore", "modprobe", "udevadm", "vmur"} <= installed(
        "provision_needed_tools", "provision_optional_tools"
    )


def test_settings_of_the_image() -> None:
    assert {"/usr/lib/ignition/provision.conf", "/etc/ignition/provision.conf"} <= installed("provision_settings")
