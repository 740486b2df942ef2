"""The server that forks, asked by the script that units run."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each test starts programs

HOUSE = Path(__file__).parents[3]
SCRIPT = HOUSE / "dracut/units/stage.sh"

SERVER = """
import os, signal, sys
from provision.system.programs import fork_server

def work(client, words):
    print(os.getpid(), *words, flush=True)
    if words[0] == "signal":
        os.kill({"fork": os.getpid(), "server": os.getppid()}[words[1]], int(words[2]))
        if words[3:] == ["for", "ever"]:
            signal.pause()
    if words[0] == "raise":
        raise KeyboardInterrupt
    os._exit(int(words[-1]))

print("buffered text")
fork_server.start(sys.argv[1] + "/requests", sys.argv[1] + "/answers", work)
"""


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A folder with the FIFOs of a server, which a test ends."""
    with (tmp_path / "output").open("w") as output:
        argv = [sys.executable, "-c", SERVER, str(tmp_path)]
        subprocess.run(argv, cwd=HOUSE, check=True, stdout=output, stderr=output, timeout=60)
    return tmp_path


def ask(run_dir: Path, *words: str) -> tuple[int, str]:
    """Exit status and messages of the script, as a unit runs it."""
    environment = {"PATH": "/usr/bin:/bin", "PROVISION_RUN": str(run_dir)}
    done = subprocess.run(
        ["sh", SCRIPT, *words], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stderr


def test_each_request_gets_a_fork_and_its_status(run_dir: Path) -> None:
    assert ask(run_dir, "mount", "files", "0") == (0, "")
    assert ask(run_dir, "umount", "3") == (3, "")
    assert ask(run_dir, "raise")[0] == 70
    assert ask(run_dir, "signal", "fork", "9") == (137, "the stage was ended by signal 9\n")
    # told to stop while it is busy, the server answers before it ends, and removes its files
    assert ask(run_dir, "signal", "server", "15", "4") == (4, "")
    status, messages = ask(run_dir, "files")
    assert (status, "provision-firstboot" in messages) == (127, True), "without a server it starts the program"
    output = (run_dir / "output").read_text()
    assert output.count("buffered text") == 1
    assert [line.partition(" ")[2] for line in output.splitlines()[1:3]] == ["mount files 0", "umount 3"]


def test_a_server_that_was_killed_fails_the_stage_and_all_later_ones(run_dir: Path) -> None:
    ended = (1, "the process that provision-look.service has left for the stages was killed\n")
    assert ask(run_dir, "signal", "server", "9", "for", "ever") == ended
    assert ask(run_dir, "files", "0") == ended
    fork = int((run_dir / "output").read_text().splitlines()[-1].partition(" ")[0])
    with suppress(ProcessLookupError):
        process = os.pidfd_open(fork)
        assert select.select([process], [], [], 60)[0], "the stage goes on"
        os.close(process)


def test_an_answer_for_a_shell_that_was_stopped_is_not_taken(run_dir: Path) -> None:
    subprocess.run(["sh", "-c", 'echo "1 0" >"$0"', run_dir / "answers"], check=True, timeout=60)
    assert ask(run_dir, "signal", "server", "15", "5") == (5, "")


def test_the_output_of_the_script_is_its_own_when_its_request_is_there(tmp_path: Path) -> None:
    """The fork takes that output as soon as the server has read the request."""
    for name in ("requests", "answers"):
        os.mkfifo(tmp_path / name)
    requests, answers = (os.open(tmp_path / name, os.O_RDWR) for name in ("requests", "answers"))
    found = set()
    for _ in range(100):
        argv, environment = ["sh", str(SCRIPT), "files"], {"PATH": "/usr/bin:/bin", "PROVISION_RUN": str(tmp_path)}
        with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as script:
            client = os.read(requests, 100).split()[0].decode()
            found.add(os.readlink(f"/proc/{client}/fd/1"))
            os.write(answers, f"{client} 0\n".encode())
        assert script.returncode == 0
    os.close(requests)
    os.close(answers)
    assert found == {os.devnull}


PLACE = """
import os, sys
from provision.system.programs import fork_server

def work(client, words):
    os.kill(os.getppid(), 15)
    fork_server.take_place_of(client)
    with open("/proc/self/cgroup") as file:
        cgroup = file.read().rpartition("0::")[2].strip()
    print(cgroup, os.environ["OWN"], os.environ.get("INVOCATION_ID"), os.listdir(words[0]), os.getcwd())
    sys.stdout.flush()
    os._exit(0)

assert fork_server.is_possible()
fork_server.start(sys.argv[1] + "/requests", sys.argv[1] + "/answers", work)
"""

AS_UNITS = """
mount -t cgroup2 none /sys/fs/cgroup || { echo no cgroup2; exit; }
group=/sys/fs/cgroup/provision-test-$$
mkdir $group mounted
INVOCATION_ID=look "$1" -c "$2" "$PWD" || exit
unshare --mount sh -c '
    mount -t tmpfs none mounted && : >mounted/own
    echo $$ >"$1/cgroup.procs"
    OWN=unit PROVISION_RUN=$PWD exec sh "$0" "$PWD/mounted"
' "$3" $group
rmdir $group
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="cgroups and mounts need root")
def test_a_fork_takes_the_place_of_the_script_in_its_unit(tmp_path: Path) -> None:
    """Here the units are a cgroup, and a namespace of mounts."""
    argv = ["unshare", "--mount", "sh", "-c", AS_UNITS, "sh", sys.executable, PLACE, str(SCRIPT)]
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60)
    if "no cgroup2" in done.stdout:
        pytest.skip("there is no cgroup2")
    group, _, rest = done.stdout.partition(" ")
    assert group.startswith("/provision-test-"), done.stderr
    assert rest == "unit None ['own'] /\n"
