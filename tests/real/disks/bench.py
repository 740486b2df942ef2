"""All stages of a boot, ours and Ignition's: `python -m tests.real.disks.bench` (as root; minutes).

Every round gives each of the two a fresh disk, in a node of namespaces with a systemd and a udevd, and compares what
they left on it. Our engine starts as in the initramfs: byte-code, isolated, without `site`. The table has milliseconds
of wall time and, in brackets, of processor time; memory is the peak of the engine itself, without its tools. `bare
tools` is what sfdisk and the two mkfs need alone.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.fetch.server import Answer, serve
from tests.real.disks.loop_devices import MIB, blank, loop
from tests.real.disks.machines import systemd_container

HOUSE = Path(__file__).parents[3]
REFERENCE = "/usr/lib/dracut/modules.d/30ignition/ignition"
STAGES = ("fetch-offline", "fetch", "kargs", "disks", "mount", "files", "umount")
LIMIT = 1800
MEMORY_GOAL = 64
ROOT_SIZE, DISK_SIZE, VAR_MIB = 1024 * MIB, 4096 * MIB, 2048
VAR_UUID, DATA_UUID = "a5f3c1b2-0000-4000-8000-000000000001", "a5f3c1b2-0000-4000-8000-000000000002"

ROOT = {"etc/selinux/config": "SELINUXTYPE=none\n", "etc/selinux/none/contexts/files/file_contexts": ""}
"""The system's root before the run: Debian's Ignition fails without SELinux. The tool that labels is a pretence."""

OWN_RECORDS = ("etc/.ignition-result.json", "etc/.provision-journal", "lost+found")
"""What tells of a run, and so differs between two."""


class Workload(NamedTuple):
    """How many files are inline, and on a server that waits `pause` seconds; `goal` is a share of Ignition's time."""

    name: str
    goal: float
    inline: int = 0
    remote: int = 0
    pause: float = 0.0
    large: int = 0


WORKLOADS = {
    "few": Workload("5 inline files", 0.35, inline=5),
    "mixed": Workload("200 inline files, 50 behind 20 ms, one of 32 MiB", 0.25, 200, 50, 0.02, 32 * MIB),
    "remote": Workload("200 files behind 50 ms", 0.1, remote=200, pause=0.05),
    "inline": Workload("2,000 inline files", 0.5, inline=2000),
}


class Cost(NamedTuple):
    """The cost of a process: seconds of wall time, of processor time with its tools, and its own peak in MiB."""

    wall: float
    cpu: float
    memory: float


Costs = dict[str, Cost]
Left = dict[str, tuple[object, ...]]
"""What is on a disk after a run: by name, what tells it from others."""


def main() -> None:
    """Start the node, and this program again inside it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="fresh disks for each workload (3)")
    parser.add_argument("--only", choices=WORKLOADS, action="append", help="one workload; may be given more than once")
    given = os.environ.get("IGNITION", REFERENCE)
    parser.add_argument("--ignition", default=given, metavar="PROGRAM", help="another one than Debian's (or IGNITION=)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        measure([WORKLOADS[name] for name in options.only or WORKLOADS], options.rounds, options.ignition)
        return
    if os.geteuid() or systemd_container.lacking():
        sys.exit(f"tests.real.disks.bench needs {systemd_container.lacking() or 'to be root'}")
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        collect(folder / "initramfs")
        again = [
            sys.executable,
            "-m",
            "tests.real.disks.bench",
            *sys.argv[1:],
            "--inside",
            "--ignition",
            options.ignition,
        ]
        status = systemd_container.run(again, folder, LIMIT)
        sys.exit(status and f"ended with status {status}: {(folder / 'console').read_text()[-2000:]}")


def collect(tree: Path) -> None:
    """Our program in the form that an initramfs has."""
    argv = [sys.executable, str(HOUSE / "dracut/engine/collect.py"), str(tree)]
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    others = subprocess.run(argv, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    for source, place in (line.split("\t") for line in others.splitlines()):
        if place.startswith("/usr/lib/provision/"):
            shutil.copy(source, tree / place.lstrip("/"))


# -- in the node


def measure(workloads: Iterable[Workload], rounds: int, ignition: str) -> None:
    """Print a table for each workload."""
    Path("/usr/lib/provision").symlink_to(systemd_container.FOLDER / "initramfs/usr/lib/provision")
    engines = {
        "ours": [os.path.realpath(sys.executable), "-IS", str(systemd_container.FOLDER / "initramfs/usr/bin/provision")]
    }
    if Path(ignition).exists():
        engines["theirs"] = [ignition]
    setfiles = Path("/usr/local/sbin/setfiles")
    setfiles.write_text("#!/bin/sh\ncat >/dev/null\n")
    setfiles.chmod(0o755)
    print(f"bare tools: {1000 * min(bare_tools() for _ in range(rounds)):.0f} ms")
    for workload in workloads:
        runs: dict[str, list[Costs]] = {name: [] for name in engines}
        for number in range(rounds):
            left = {}
            for name in sorted(engines, reverse=number % 2 == 1):
                costs, left[name] = provision(engines[name], workload)
                runs[name].append(costs)
            same(left)
        table(workload, {name: median(many) for name, many in runs.items()})


def bare_tools() -> float:
    """Seconds that a table and two file systems take without an engine."""
    with fresh_disk() as disk:
        began = time.perf_counter()
        script = f"label: gpt\n1 : size={VAR_MIB}MiB\n2 : type=linux\n"
        subprocess.run(
            ["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", disk], input=script, text=True, check=True
        )
        subprocess.run(["partx", "--update", disk], check=True)
        makers = [subprocess.Popen(["mkfs.ext4", "-q", f"{disk}p1"]), subprocess.Popen(["mkfs.xfs", "-q", f"{disk}p2"])]
        assert not any(maker.wait() for maker in makers)
        return time.perf_counter() - began


@contextmanager
def fresh_disk() -> Iterator[str]:
    image = blank(systemd_container.FOLDER / "disk", DISK_SIZE)
    try:
        with loop(image) as disk:
            subprocess.run(["udevadm", "settle"], check=True)
            yield disk
    finally:
        image.unlink()


@contextmanager
def fresh_root(at: Path) -> Iterator[None]:
    """The system's root, mounted as the initramfs would."""
    for name, content in ROOT.items():
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_text(content)
    image = blank(systemd_container.FOLDER / "root", ROOT_SIZE)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-d", at, image], check=True)
        subprocess.run(["mount", "-o", "loop", image, at], check=True)
        yield
    finally:
        subprocess.run(["umount", "--recursive", at], check=True)
        image.unlink()


def provision(engine: Sequence[str], workload: Workload) -> tuple[Costs, Left]:
    """All stages on a fresh disk."""
    remote = {
        f"/remote/{number}": Answer(text(number, 4096), pause=workload.pause) for number in range(workload.remote)
    }
    if workload.large:
        remote["/remote/large"] = Answer(text(0, workload.large))
    with tempfile.TemporaryDirectory() as there:
        folder = Path(there)
        with fresh_root(folder / "root"), fresh_disk() as disk, serve(remote) as served:
            (folder / "config").write_text(json.dumps(config_of(workload, disk, served.url, remote)))
            environment = {**os.environ, "IGNITION_CONFIG_FILE": f"{folder}/config"}
            os.sync()
            return dict(boot(engine, folder, environment)), left_on(disk, folder / "root")


def text(number: int, size: int) -> bytes:
    """The contents of a file, different for each."""
    line = hashlib.sha256(str(number).encode()).hexdigest().encode() + b"\n"
    return (line * (size // len(line) + 1))[:size]


def config_of(workload: Workload, disk: str, url: str, remote: Mapping[str, Answer]) -> dict[str, Any]:
    inline = [
        entry(f"/etc/inline/{number % 20}/{number}", f"data:;base64,{base64.b64encode(text(number, 1000)).decode()}")
        for number in range(workload.inline)
    ]
    fetched = [entry(f"/data{path}", url + path, answer.body) for path, answer in remote.items()]
    partitions = [{"number": 1, "label": "VAR", "sizeMiB": VAR_MIB}, {"number": 2, "label": "DATA"}]
    return {
        "ignition": {"version": "3.3.0"},
        "storage": {
            "disks": [{"device": disk, "wipeTable": True, "partitions": partitions}],
            "filesystems": [
                filesystem("VAR", "/var", "ext4", VAR_UUID),
                filesystem("DATA", "/data", "xfs", DATA_UUID),
            ],
            "files": inline + fetched,
        },
    }


def filesystem(label: str, path: str, kind: str, uuid: str) -> dict[str, Any]:
    device = f"/dev/disk/by-partlabel/{label}"
    return {"device": device, "path": path, "format": kind, "label": label, "uuid": uuid, "wipeFilesystem": True}


def entry(path: str, source: str, verified: bytes = b"") -> dict[str, Any]:
    verification = {"verification": {"hash": f"sha512-{hashlib.sha512(verified).hexdigest()}"}} if verified else {}
    return {"path": path, "mode": 0o644, "contents": {"source": source, **verification}}


def boot(engine: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, Cost]]:
    """Every stage in turn; `fetch` only if there is no config yet, as in a boot."""
    for remains in ("/run/ignition", "/run/provision"):
        shutil.rmtree(remains, ignore_errors=True)
    options = [f"--root={folder}/root", f"--config-cache={folder}/cache", f"--neednet={folder}/neednet"]
    options += [f"--state-file={folder}/state", "--platform=file", "--log-to-stdout"]
    for stage in STAGES:
        if stage != "fetch" or not (folder / "cache").exists():
            yield stage, cost([*engine, *options, f"--stage={stage}"], folder / "log", environment)


def cost(argv: Sequence[str], log: Path, environment: Mapping[str, str]) -> Cost:
    """Run a program to its end."""
    with log.open("wb") as said:
        began = time.perf_counter()
        process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        running = os.pidfd_open(process.pid)
        peak = 0.0
        while not select.select([running], [], [], 0.005)[0]:
            peak = max(peak, high_water(process.pid))
        taken = time.perf_counter() - began
    os.close(running)
    _, process.returncode, usage = os.wait4(process.pid, 0)
    assert process.returncode == 0, f"{' '.join(argv)}:\n{log.read_text(errors='replace')[-4000:]}"
    return Cost(taken, usage.ru_utime + usage.ru_stime, peak)


def high_water(pid: int) -> float:
    """The most memory a process has had so far, in MiB (VmHWM; the value of wait4(2) includes its children)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def left_on(disk: str, root: Path) -> Left:
    """Partitions, file systems, and every node of the tree."""
    told = json.loads(subprocess.check_output(["sfdisk", "--json", disk]))["partitiontable"]["partitions"]
    left: Left = {one["node"][len(disk) :]: (one["start"], one["size"], one["type"], one["name"]) for one in told}
    for number, at in ((1, root / "var"), (2, root / "data")):
        partition = f"{disk}p{number}"
        probed = subprocess.check_output(["blkid", "--probe", "--output", "export", partition], text=True)
        kept = [line for line in probed.splitlines() if line.startswith(("TYPE=", "UUID=", "LABEL="))]
        left[f"p{number} holds"] = tuple(sorted(kept))
        subprocess.run(["mount", "-o", "ro", partition, at], check=True)
    left |= {str(path.relative_to(root)): facts(path) for path in root.rglob("*")}
    subprocess.run(["umount", root / "var", root / "data"], check=True)
    return {name: what for name, what in left.items() if not name.startswith(OWN_RECORDS)}


def facts(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return f"{found.st_mode:o}", found.st_uid, found.st_gid, content


def same(left: Mapping[str, Left]) -> None:
    """Check that both engines left the same, so that their figures can be compared."""
    ours, theirs = left["ours"], left.get("theirs", left["ours"])
    different = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
    assert not different, "\n".join(
        f"{name}: ours {ours.get(name)}, theirs {theirs.get(name)}" for name in different[:9]
    )


# -- the table


def median(rounds: Sequence[Costs]) -> Costs:
    """The median cost of each stage, for each figure separately."""
    return {
        stage: Cost(*map(statistics.median, zip(*(costs[stage] for costs in rounds), strict=True)))
        for stage in rounds[0]
    }


def table(workload: Workload, costs: Mapping[str, Costs], show: Callable[[str], None] = print) -> None:
    """A line for each stage, and one for all of them beside the goals."""
    show(f"\n{workload.name}, two file systems\n{'':14}{'ours':>16}{'theirs':>16}{'ratio':>8}{'memory':>18}")
    for name in STAGES:
        if any(name in one for one in costs.values()):
            show(line(name, [costs.get(who, {}).get(name) for who in ("ours", "theirs")]))
    whole = [total(costs[who]) if who in costs else None for who in ("ours", "theirs")]
    show(f"{line('whole node', whole)}   {verdict(workload, *whole)}")


def verdict(workload: Workload, ours: Cost | None, theirs: Cost | None) -> str:
    goal = f"goal: {workload.goal:.2f}, {MEMORY_GOAL} MiB"
    if not ours or not theirs:
        return f"({goal})"
    met = ours.wall <= workload.goal * theirs.wall and ours.memory <= MEMORY_GOAL
    return f"({goal}: {'met' if met else 'MISSED'})"


def total(costs: Costs) -> Cost:
    walls, cpus, memories = zip(*costs.values(), strict=True)
    return Cost(sum(walls), sum(cpus), max(memories))


def line(name: str, pair: Sequence[Cost | None]) -> str:
    times = (f"{1000 * one.wall:.0f} ({1000 * one.cpu:.0f}) ms" if one else "" for one in pair)
    ratio = f"{pair[0].wall / pair[1].wall:.2f}" if pair[0] and pair[1] else ""
    memory = " / ".join(f"{one.memory:.0f}" if one else "-" for one in pair)
    return f"{name:14}" + "".join(f"{one:>16}" for one in times) + f"{ratio:>8}{memory + ' MiB':>18}"


if __name__ == "__main__":
    main()
