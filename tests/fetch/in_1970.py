"""What runs inside the guest of test_clock.py, which has its own clock: https in 1970, then the fetch stage of a boot.

python -m tests.fetch.in_1970 FOLDER
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path
from tempfile import mkdtemp

from provision.failures import FetchFailed
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.settings import FetchSettings
from provision.log import silent
from tests.fetch.server import Answer, serve

CHILD = b'{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/from-https"}]}}'


def main(folder: Path) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    authority = (folder / "ca.pem").read_bytes()
    client = Client(FetchSettings(http_total=2, authorities=(authority,)), silent)
    time.clock_settime(time.CLOCK_REALTIME, 1000.0)
    with serve({"/c": Answer(CHILD)}, tls=folder / "localhost.pem") as served:
        try:
            print(client.read(Request(f"{served.url}/c")).decode())
        except FetchFailed as failed:
            print(failed.cause, failed.hint, sep="; ")
        _fetch_stage(f"{served.url}/c", "data:;base64," + b64encode(authority).decode())


def _fetch_stage(url: str, authority: str) -> None:
    """Run the stage with a config that merges `url`; print what it says of the clock, and the files of the config."""
    own = Path(mkdtemp())
    tls = {"certificateAuthorities": [{"source": authority}]}
    ignition = {"version": "3.4.0", "config": {"merge": [{"source": url}]}, "security": {"tls": tls}}
    (own / "config.ign").write_text(json.dumps({"ignition": ignition}))
    names = {"config-cache": "cache", "state-file": "state", "neednet": "neednet", "root": "root"}
    options = [f"--{option}={own / name}" for option, name in names.items()]
    done = subprocess.run(
        [sys.executable, "-m", "provision", "--stage=fetch", "--platform=file", "--log-to-stdout", *options],
        env={**os.environ, "IGNITION_CONFIG_FILE": str(own / "config.ign")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(*(line for line in done.stdout.splitlines() if "clock" in line))
    print([file["path"] for file in json.loads((own / "cache").read_bytes())["storage"]["files"]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
