"""What a confined program can see and do, tested from inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from provision.system.programs import processes
from provision.system.programs.confinement import CONFINED, Confinement

pytestmark = [pytest.mark.disks, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


def run(tree: Path, script: str) -> list[str]:
    confinement = Confinement(str(tree), CONFINED["useradd"])
    return processes.run(["sh", "-c", script], confinement=confinement).lines


def test_it_sees_tools_and_the_tree_and_nothing_else(tmp_path: Path) -> None:
    tree, secret = tmp_path / "tree", tmp_path / "secret"
    tree.mkdir()
    secret.write_text("secret")
    lines = run(tree, f"cat {secret} /etc/shadow /etc/hostname; ls -d /proc /sys /run /home; ls /dev; ls {tmp_path}")
    assert [line for line in lines if "No such file or directory" not in line] == ["null", "tree"]


def test_it_writes_to_the_tree_and_nowhere_else(tmp_path: Path) -> None:
    lines = run(
        tmp_path,
        f"echo x >{tmp_path}/file; chown 7:8 {tmp_path}/file; for d in / /usr /dev /etc; do echo x >$d/x; done",
    )
    assert (tmp_path / "file").stat().st_uid == 7
    assert len(lines) == 4
    assert all("Read-only file system" in line for line in lines)


def test_programs_devices_and_set_id_bits_of_the_tree_do_not_work(tmp_path: Path) -> None:
    (tmp_path / "program").write_text("#!/bin/sh\necho run\n")
    (tmp_path / "program").chmod(0o6755)
    os.mknod(tmp_path / "null", 0o020666, os.makedev(1, 3))
    lines = run(tmp_path, f"{tmp_path}/program; cat {tmp_path}/null")
    assert all("Permission denied" in line for line in lines)
    assert len(lines) == 2


def test_capabilities_that_are_left(tmp_path: Path) -> None:
    """Each of these commands needs a capability; without /proc the program cannot print its own."""
    script = (
        f"mknod {tmp_path}/disk b 7 0; mount -t tmpfs none {tmp_path}; kill -0 {os.getppid()}; chroot {tmp_path} /x"
    )
    lines = run(tmp_path, script)
    assert "Operation not permitted" in lines[0]
    assert any("mount" in line and ("denied" in line or "not permitted" in line) for line in lines)
    assert not (tmp_path / "disk").exists()


def test_this_process_stays_as_it_is(tmp_path: Path) -> None:
    code = f"""
import os
from provision.system import libc
from provision.system.programs import processes
from provision.system.programs.confinement import CONFINED, Confinement

def seen():
    files = [open(f"/proc/self/{{name}}").read().split(":")[0] for name in ("mountinfo", "uid_map")]
    return files, os.getcwd(), len(os.listdir("/proc/self/fd")), os.readlink("/proc/self/ns/net")

libc.keep_memory_private()
before = seen()
for _ in range(3):
    assert processes.run(["true"], confinement=Confinement({str(tmp_path)!r}, CONFINED["useradd"])).status == 0
assert seen() == before, (before, seen())
print(len(b"x" * (64 << 20)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == (f"{64 << 20}\n", 0), done.stderr


def test_other_processes_are_out_of_reach(tmp_path: Path) -> None:
    """The program has the user id 0: where it could name a process of root, it could end it, in each of these ways."""
    program = f"""
import fcntl, os, resource, signal
def report(name, call):
    try:
        print(name, call())
    except OSError as error:
        print(name, os.strerror(error.errno))
report("all", lambda: os.kill(-1, signal.SIGKILL))
reading, writing = os.pipe()
for victim in ({{victim}}, {os.getpid()}):
    report("signal", lambda: os.kill(victim, signal.SIGKILL))
    report("group", lambda: os.killpg(victim, signal.SIGKILL))
    report("limit", lambda: resource.prlimit(victim, resource.RLIMIT_CPU, (0, 0)))
    report("priority", lambda: os.setpriority(os.PRIO_PROCESS, victim, 19))
    report("owner", lambda: fcntl.fcntl(reading, fcntl.F_SETOWN, victim))
fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGKILL)
fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
os.write(writing, b"x")
"""
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as victim:
        argv = [sys.executable, "-I", "-S", "-c", program.format(victim=victim.pid)]
        confinement = Confinement(str(tmp_path), CONFINED["useradd"])
        done = processes.run(argv, confinement=confinement)
        assert victim.poll() is None
        assert os.getpriority(os.PRIO_PROCESS, victim.pid) == os.getpriority(os.PRIO_PROCESS, 0)
        victim.kill()
    assert [line for line in done.lines if "No such process" not in line] in ([], ["all None"]), done.output
    assert len(done.lines) == 11


def test_nothing_is_left_of_a_confined_program(tmp_path: Path) -> None:
    """Neither its children, nor the first process of its namespace."""
    assert run(tmp_path, "sleep 61234 & echo here; exit 0") == ["here"]
    lines = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True).stdout.split("\n")
    children = [line for line in lines if line.split()[:2] in ([str(os.getpid()), name] for name in ("sh", "[sh]"))]
    assert (children, [line for line in lines if "sleep 61234" in line]) == ([], [])


def test_the_lock_of_a_killed_program_is_not_that_of_a_process_that_every_machine_has(tmp_path: Path) -> None:
    """shadow writes its process id into lock files, and believes a lock while a process has that id."""
    [written] = run(tmp_path, "echo $$")
    with open("/proc/sys/kernel/pid_max", encoding="ascii") as file:
        assert int(written) == 2 or int(written) >= int(file.read()) // 2


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="there is no systemctl")
def test_systemctl_enables_units_of_a_tree(tmp_path: Path) -> None:
    units = tmp_path / "etc/systemd/system"
    presets = tmp_path / "etc/systemd/system-preset"
    units.mkdir(parents=True)
    presets.mkdir()
    (units / "a.service").write_text("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
    (presets / "20-a.preset").write_text("enable a.service\n")
    confinement = Confinement(str(tmp_path), CONFINED["systemctl"])
    for verb, status in (("is-enabled", 1), ("preset", 0), ("is-enabled", 0)):
        done = processes.run(["systemctl", "--root", str(tmp_path), verb, "--", "a.service"], confinement=confinement)
        assert done.status == status, done.output
    assert (units / "multi-user.target.wants/a.service").is_symlink()
