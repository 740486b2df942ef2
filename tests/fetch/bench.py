"""The cost of fetching: `python -m tests.fetch.bench` (as root: it makes a network namespace).

Each row is a whole stage in a process of its own, beside Ignition's where there is one: milliseconds of wall time, of
processor time, and the peak of memory. The files stage follows a fetch stage, and is measured without it.
"""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha512
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.fetch.namespace import in_namespace
from tests.fetch.server import Answer, serve

REFERENCE = os.environ.get("IGNITION", "/usr/lib/dracut/modules.d/30ignition/ignition")
CHECKOUT = str(Path(__file__).parents[2])
START = f"""
import sys
sys.path[:0] = {[CHECKOUT, *site.getsitepackages()]!r}
sys.argv[0] = "ignition"
from provision.cli import main
main()
"""
PROGRAMS = {"provision": ("/usr/bin/python3", "-I", "-c", START)} | (
    {"Ignition": (REFERENCE,)} if Path(REFERENCE).exists() else {}
)
MIB = 1 << 20

ROOT = {
    "root/etc/selinux/config": "SELINUXTYPE=none\n",
    "root/etc/selinux/none/contexts/files/file_contexts": "",
}
"""Debian's Ignition fails on a root without SELinux; the tool that labels is a pretence, for both."""

SERVER = """
import http.server, sys
chunk = bytes(1 << 20)
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass
    def do_GET(self):
        size = int(self.path.strip("/"))
        self.send_response(200)
        self.send_header("Content-Length", str(size << 20))
        self.end_headers()
        for _ in range(size):
            self.wfile.write(chunk)
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
"""Serves so many MiB as the path says, in a process of its own, so that it does not hold up the other servers."""


LAUNCHER = """
import os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 1, 2)])
_, status, usage = os.wait4(pid, 0)
taken, processor = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
print(1000 * taken, 1000 * processor, usage.ru_maxrss / 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a program and tells its cost. A child begins with its parent's peak of memory, so the parent has to be small."""


class Cost(NamedTuple):
    """The cost of a process: milliseconds of wall time, of processor time, and its peak in MiB."""

    wall: float
    processor: float
    memory: float


class Work(NamedTuple):
    """A stage to measure, with its config and the number of rounds."""

    title: str
    stage: str
    config: Callable[[], dict[str, Any]]
    rounds: int


def measured(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a program to its end."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *command]
    ended = subprocess.run(launcher, capture_output=True, text=True, errors="replace", env=environment, check=False)
    if ended.returncode:
        raise SystemExit(f"{command[0]} failed:\n{ended.stdout[-2000:]}")
    return Cost(*map(float, ended.stderr.split()))


def stage(program: Sequence[str], wanted: str) -> Cost:
    """One stage on an empty root; the files stage with the fetch stage that must run before it."""
    with tempfile.TemporaryDirectory() as there:
        for path, text in ROOT.items():
            Path(there, path).parent.mkdir(parents=True, exist_ok=True)
            Path(there, path).write_text(text)
        Path(there, "setfiles").symlink_to("/usr/bin/true")
        environment = {**os.environ, "PATH": f"{there}:{os.environ['PATH']}"}
        places = ("-config-cache", f"{there}/c", "-neednet", f"{there}/n", "-state-file", f"{there}/s")
        options = ("-root", f"{there}/root", *places, "-platform", "digitalocean", "-log-to-stdout", "-stage")
        fetched = measured([*program, *options, "fetch"], environment)
        return fetched if wanted == "fetch" else measured([*program, *options, wanted], environment)


def small() -> dict[str, Any]:
    return {"files": [{"path": "/etc/from-the-cloud"}]}


def many(url: str) -> dict[str, Any]:
    return {"files": [{"path": f"/etc/{number}", "contents": {"source": f"{url}/{number}"}} for number in range(200)]}


def large(url: str, size: int) -> dict[str, Any]:
    digest = sha512()
    for _ in range(size):
        digest.update(bytes(MIB))
    contents = {"source": f"{url}/{size}", "verification": {"hash": f"sha512-{digest.hexdigest()}"}}
    return {"files": [{"path": "/etc/large", "contents": contents}]}


@contextmanager
def bulk_server() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        try:
            yield f"http://127.0.0.1:{child.stdout.readline().strip()}"
        finally:
            child.kill()


def compare() -> None:
    """Measure all works, each program in turn, and print a table."""
    configs: dict[str, Answer] = {}
    resources = {f"/{number}": Answer(os.urandom(1000), pause=0.05) for number in range(200)}
    with (
        serve(configs, "169.254.169.254", 80),
        serve(resources) as slow,
        bulk_server() as bulk,
    ):
        works = (
            Work("fetch stage, local http config", "fetch", small, 15),
            Work("files stage, 200 files at 50 ms", "files", lambda: many(slow.url), 3),
            Work("files stage, a file of 64 MiB", "files", lambda: large(bulk, 64), 3),
            Work("files stage, a file of 1 GiB", "files", lambda: large(bulk, 1024), 1),
        )
        print("".join([f"{'':34}", *(f"{name:>28}" for name in PROGRAMS)]))
        for work in works:
            config = {"ignition": {"version": "3.3.0"}, "storage": work.config()}
            configs["/metadata/v1/user-data"] = Answer(json.dumps(config).encode())
            print(row(work), flush=True)


def row(work: Work) -> str:
    costs: dict[str, list[Cost]] = {name: [] for name in PROGRAMS}
    for _ in range(work.rounds):
        for name, program in PROGRAMS.items():
            costs[name].append(stage(program, work.stage))
    cells = (Cost(*map(median, zip(*taken, strict=True))) for taken in costs.values())
    return f"{work.title:34}" + "".join(f"{c.wall:8.0f} ms {c.processor:5.0f} cpu {c.memory:3.0f} MiB" for c in cells)


if __name__ == "__main__":
    in_namespace(compare, "169.254.169.254/32")
