"""What runs inside the guest of test_formats.py: start in 1970, plug in each image, boot from it, say what was found.

python -m tests.fetch.platforms.in_guest FOLDER
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from provision.failures import Failure
from provision.fetch.acquire import acquire
from provision.fetch.ground import Places
from provision.fetch.settings import Settings
from provision.system.ground import MachineGround


def main(folder: Path) -> None:
    ground = MachineGround(Places(kernel_cmdline_path="/dev/null"))
    time.clock_settime(time.CLOCK_REALTIME, 1000.0)
    print(ground.lift_clock().partition(":")[0], time.time() > Path("/etc/os-release").stat().st_mtime)
    for image in sorted(folder.glob("*.image")):
        node = subprocess.run(
            ["losetup", "--find", "--show", "--read-only", image], check=True, capture_output=True, text=True
        ).stdout.strip()
        subprocess.run(["udevadm", "settle"], check=True)
        kind = image.stem
        try:
            files = acquire("ibmcloud", ground, Settings(offline=True)).config.storage.files
            marker = ground.read_from(node, "/ovf-env.xml", formats=("udf", "iso9660") if kind != "vfat" else ())
            print(kind, [file.path for file in files], marker)
        except Failure as failure:
            print(kind, failure.message)
        subprocess.run(["losetup", "--detach", node], check=True)
        subprocess.run(["udevadm", "settle"], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
