"""What provisioning costs a boot: `make bench-boot` (as root; a quarter of an hour).

The same root is booted with several initramfs: without anything of ours, with our modules (a later boot and a first
one), and with Debian's Ignition. Emulated where there is no KVM; then the clock of the guest counts instructions, and
does not depend on what else the machine does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.real.boot.machine import HOUSE, Machine, build, kvm
from tests.real.boot.workload import config

COUNTED = ("-icount", "shift=1,sleep=off")
LIMIT = 1800

ROWS = (
    ("without", "bare", ""),
    ("ours, later boot", "initramfs", ""),
    ("ours, first boot", "initramfs", "ignition.firstboot"),
    ("Ignition, later boot", "ignition", ""),
    ("Ignition, first boot", "ignition", "ignition.firstboot"),
)
"""Name, initramfs of the wide build, kernel arguments."""


def main() -> None:
    """Print the times of each boot and the sizes of its initramfs."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        argv = [sys.executable, "-m", "build", "--wheel", "--outdir", directory]
        subprocess.run(argv, cwd=HOUSE, check=True, stdout=subprocess.DEVNULL)
        images = build(next(folder.glob("*.whl")), folder, "wide")
        wanted = config("data:,payload")
        del wanted["storage"]["files"][-1]  # it has the hash of other bytes
        path = folder / "config.ign"
        path.write_text(json.dumps(wanted))
        devices = () if kvm(images.kernel) else COUNTED
        for number, (name, file, arguments) in enumerate(ROWS):
            guest = Machine(images, folder / str(number))
            boot = guest.boot(arguments, path, initramfs=folder / file, devices=devices, limit=LIMIT)
            print(f"{name}: {boot}; initramfs {_sizes(folder / file)}", flush=True)


def _sizes(file: Path) -> str:
    """The sizes of a file in words, raw and compressed."""
    packed = subprocess.run(["zstd", "-19", "-T0", "-q", "-c", file], stdout=subprocess.PIPE, check=True).stdout
    return f"{file.stat().st_size / 1e6:.1f} MB raw, {len(packed) / 1e6:.1f} MB zstd -19"


if __name__ == "__main__":
    main()
