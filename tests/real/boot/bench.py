"""What our dracut module costs a boot that does not use it: `python -m tests.real.boot.bench` (as root; minutes).

The same root is booted with an initramfs without the module and with it. Emulated where there is no KVM.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.real.boot.machine import HOUSE, Machine, build


def main() -> None:
    """Print the times of both boots and the sizes of both initramfs images."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        argv = [sys.executable, "-m", "build", "--wheel", "--outdir", directory]
        subprocess.run(argv, cwd=HOUSE, check=True, stdout=subprocess.DEVNULL)
        config = folder / "config.ign"
        config.write_text('{"ignition": {"version": "3.4.0"}}')
        for name, omit in (("without", "provision"), ("with", "")):
            (folder / name).mkdir()
            images = build(next(folder.glob("*.whl")), folder / name, omit)
            boot = Machine(images, folder / name / "machine").boot("", config)
            print(f"{name} our module: {boot}; initramfs {_sizes(images.initramfs)}", flush=True)


def _sizes(file: Path) -> str:
    """The sizes of a file in words, raw and compressed."""
    packed = subprocess.run(["zstd", "-19", "-T0", "-q", "-c", file], stdout=subprocess.PIPE, check=True).stdout
    return f"{file.stat().st_size / 1e6:.1f} MB raw, {len(packed) / 1e6:.1f} MB zstd -19"


if __name__ == "__main__":
    main()
