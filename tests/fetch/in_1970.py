"""What runs inside the guest of test_clock.py, which has its own clock: https in 1970, and after the clock is set.

python -m tests.fetch.in_1970 FOLDER
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from provision.failures import FetchFailed
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.settings import FetchSettings
from provision.log import silent
from provision.system.running_system.local_system import LocalSystem
from tests.fetch.server import Answer, serve


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    client = Client(FetchSettings(http_total=2, authorities=((folder / "ca.pem").read_bytes(),)), silent)
    time.clock_settime(time.CLOCK_REALTIME, 1000.0)
    with serve({"/c": Answer(b"config")}, tls=folder / "localhost.pem") as served:
        for lift in (False, True):
            print(LocalSystem().set_clock_to_build_date().partition(":")[0] if lift else "in 1970")
            try:
                print(client.read(Request(f"{served.url}/c")).decode())
            except FetchFailed as failed:
                print(failed.cause, failed.hint, sep="; ")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
