"""The cost of validation as a whole process, compared with Ignition's: `python -m tests.config.bench`.

A config of 2,000 files (1.9 MB) must take no longer than with ignition-validate in the same run, one of 20 lines no
more than 60 ms, and the peak of memory may be three times Ignition's.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

RUNS = 11
PEER = "ignition-validate"
OURS = (sys.executable, "-I", "-c", "import sys; from provision.cli import run; sys.exit(run(sys.argv[1:]))", PEER)


class Cost(NamedTuple):
    """Median wall-clock time in milliseconds and peak of memory in MiB."""

    time: float
    memory: float


def measure(command: tuple[str, ...]) -> Cost:
    """Run a program several times; it must succeed."""
    costs = [_once(command) for _ in range(RUNS)]
    return Cost(median(cost.time for cost in costs), max(cost.memory for cost in costs))


def _once(command: tuple[str, ...]) -> Cost:
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost((time.perf_counter() - start) * 1000, usage.ru_maxrss / 1024)


def large() -> dict[str, Any]:
    """2,000 files, 1.9 MB."""
    source = "data:," + "line%20of%20a%20file%0A" * 34
    files = [
        {
            "path": f"/etc/app/{number:04}.conf",
            "mode": 420,
            "user": {"id": 0},
            "contents": {"source": source, "compression": ""},
        }
        for number in range(2000)
    ]
    return {"ignition": {"version": "3.3.0"}, "storage": {"files": files}}


def small() -> dict[str, Any]:
    """About twenty lines."""
    unit = "[Unit]\nDescription=web\n[Service]\nExecStart=/usr/bin/web\n[Install]\nWantedBy=multi-user.target\n"
    file = {"path": "/etc/hostname", "mode": 420, "contents": {"source": "data:,web"}}
    return {
        "ignition": {"version": "3.3.0"},
        "passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA"]}]},
        "storage": {"files": [file]},
        "systemd": {"units": [{"name": "web.service", "enabled": True, "contents": unit}]},
    }


def main() -> None:
    """Measure both programs on both configs and print a table."""
    peer = shutil.which(PEER)
    print(f"{'config':8}{'program':28}{'time':>10}{'memory':>12}")
    with tempfile.TemporaryDirectory() as directory:
        for name, config in (("large", large()), ("small", small())):
            path = Path(directory) / f"{name}.ign"
            path.write_text(json.dumps(config, indent=None if name == "large" else 2))
            commands = {"provision": (*OURS, str(path)), **({PEER: (peer, str(path))} if peer else {})}
            for program, command in commands.items():
                cost = measure(command)
                print(f"{name:8}{program:28}{cost.time:7.1f} ms{cost.memory:8.1f} MiB")


if __name__ == "__main__":
    main()
