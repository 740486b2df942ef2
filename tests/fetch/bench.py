"""How fetching performs: `python -m tests.fetch.bench` (as root: it makes a network namespace).

A fetch stage as a whole process beside the reference's, 200 resources behind 50 ms of latency, and a 1 GiB file.
"""

from __future__ import annotations

import os
import resource as limits
import site
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import cast

from provision.config.format import Resource, Verification
from provision.fetch.client import CONNECTIONS
from provision.fetch.resources import Fetcher
from provision.fetch.settings import Settings
from tests.fetch.namespace import in_namespace
from tests.fetch.server import Answer, serve

REFERENCE = "/usr/lib/dracut/modules.d/30ignition/ignition"
CHECKOUT = str(Path(__file__).parents[2])
START = f"""
import sys
sys.path[:0] = {[CHECKOUT, *site.getsitepackages()]!r}
sys.argv[0] = "ignition"
from provision.cli import main
main()
"""
OURS = ("/usr/bin/python3", "-I", "-c", START)
CONFIG = b'{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/from-the-cloud"}]}}'
GIB = 1 << 30
SPARSE_SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        for _ in range(1 << 10):
            self.wfile.write(bytes(1 << 20))
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.handle_request()
"""


def stage(command: Sequence[str], runs: int = 15) -> float:
    """Milliseconds of a fetch stage, the median of several."""
    taken = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as there:
            files = (
                "-root",
                there,
                "-config-cache",
                f"{there}/c",
                "-neednet",
                f"{there}/n",
                "-state-file",
                f"{there}/s",
            )
            began = time.perf_counter()
            options = ("-platform", "digitalocean", "-stage", "fetch", "-log-to-stdout")
            subprocess.run([*command, *options, *files], check=True, capture_output=True)
            taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)


def stages() -> None:
    with serve({"/metadata/v1/user-data": Answer(CONFIG)}, "169.254.169.254", 80):
        print(f"fetch stage, whole process:  {stage(OURS):6.0f} ms")
        if Path(REFERENCE).exists():
            print(f"  the reference's:           {stage([REFERENCE]):6.0f} ms")


def many() -> None:
    script = {f"/{number}": Answer(os.urandom(1000), pause=0.05) for number in range(200)}
    with serve(script) as served, ThreadPoolExecutor(CONNECTIONS) as pool:
        fetcher = Fetcher(Settings(http_total=30))
        began = time.perf_counter()
        list(pool.map(lambda path: fetcher.read(Resource(source=f"{served.url}{path}")), script))
        print(f"200 resources at 50 ms:      {1000 * (time.perf_counter() - began):6.0f} ms ({CONNECTIONS} at once)")


class Nowhere(BytesIO):
    """Forgets what is written."""

    def write(self, data: object) -> int:
        return len(cast("bytes", data))


def big() -> None:
    verification = Verification(hash="sha256-49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14")
    with subprocess.Popen([sys.executable, "-c", SPARSE_SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        before, began = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        resource = Resource(source=f"http://127.0.0.1:{port}/", verification=verification)
        Fetcher(Settings(http_total=120)).copy(resource, Nowhere())
        took = time.perf_counter() - began
        more = (limits.getrusage(limits.RUSAGE_SELF).ru_maxrss - before) / 1024
        print(f"1 GiB with its sha256:       {1000 * took:6.0f} ms, {more:.0f} MiB of memory more than before")


if __name__ == "__main__":
    in_namespace(stages, "169.254.169.254/32")
    many()
    big()
