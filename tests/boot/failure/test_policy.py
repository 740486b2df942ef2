"""What happens after a boot that failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from provision.boot.failure.policy import FailurePolicy, failure_policy
from provision.failures import Failure


@pytest.mark.parametrize(
    ("argument", "action", "seconds"),
    [("reboot", "reboot", 0), ("reboot:300", "reboot", 300), ("poweroff", "poweroff", 0), ("hold", "hold", 0)],
)
def test_the_kernel_command_line_sets_it(argument: str, action: str, seconds: int) -> None:
    assert failure_policy(f"quiet provision.on_failure={argument}") == (action, seconds)


@pytest.mark.parametrize(
    "argument", ["", "shell", "hold:5", "reboot:", "reboot:-1", "reboot:soon", "reboot:1e9", "poweroff:²"]
)
def test_another_value_is_an_error(argument: str) -> None:
    with pytest.raises(Failure, match="is unknown"):
        failure_policy(f"provision.on_failure={argument}")


def test_without_the_argument_the_distribution_decides() -> None:
    policy = failure_policy("ignition.firstboot")
    assert policy.sentence() == ""
    policy.carry_out()


def test_the_consoles_show_what_will_happen() -> None:
    assert FailurePolicy("reboot", 300).sentence() == "The machine reboots in 300 s (provision.on_failure=reboot)."
    assert FailurePolicy("poweroff").sentence() == "The machine powers itself off (provision.on_failure=poweroff)."
    assert FailurePolicy("hold").sentence() == "The machine waits (provision.on_failure=hold)."


@pytest.mark.skipif(os.geteuid() != 0, reason="reboot(2) needs root")
@pytest.mark.parametrize(("action", "ended_by"), [("reboot", signal.SIGHUP), ("poweroff", signal.SIGINT)])
def test_without_systemd_the_kernel_ends_the_machine(action: str, ended_by: signal.Signals) -> None:
    """In a process namespace of its own, where only its first process is ended (reboot(2))."""
    script = f"""
import os
from provision.system import libc
libc.unshare_processes()
child = os.fork()
if not child:
    if os.getpid() == 1:
        libc.end_kernel(power_off={action == "poweroff"})
    os._exit(3)
status = os.waitpid(child, 0)[1]
print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else status)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{ended_by}\n", "")
