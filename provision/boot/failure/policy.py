"""What the machine does after a first boot has failed and its cause is shown: the argument `provision.on_failure=`.

Without the argument the distribution decides (`rd.shell=` and `rd.emergency=` of dracut.cmdline(7), `panic=` of
initramfs-tools(7)).
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from provision.failures import Failure
from provision.kernel_command_line import last_value

ARGUMENT = "provision.on_failure"

ACTIONS = {"reboot": "reboots", "poweroff": "powers itself off"}
"""Actions of systemctl(1), each with the verb of a sentence about it."""

HOLD = "hold"


class FailurePolicy(NamedTuple):
    """What to do: `reboot`, `poweroff` or `hold`, or nothing if it is empty; and after how many seconds."""

    action: str = ""
    seconds: float = 0.0

    def sentence(self) -> str:
        """What will happen, for the consoles; empty if the distribution decides."""
        if not self.action:
            return ""
        if self.action == HOLD:
            return f"The machine waits ({ARGUMENT}={HOLD})."
        when = f" in {self.seconds:g} s" if self.seconds else ""
        return f"The machine {ACTIONS[self.action]}{when} ({ARGUMENT}={self.action})."

    def carry_out(self) -> None:
        """Wait, and end the boot; return only if the distribution decides."""
        if not self.action:
            return
        time.sleep(self.seconds)
        while self.action == HOLD:
            time.sleep(3600)
        os.sync()
        if os.path.isdir("/run/systemd/system"):
            from provision.system.programs import processes

            processes.run(["systemctl", "--force", self.action])
            try:
                time.sleep(60)  # so that no shell starts before the end
            except KeyboardInterrupt:
                return  # systemd stops all processes now
        from provision.system import libc

        libc.end_kernel(power_off=self.action == "poweroff")


def failure_policy(command_line: str) -> FailurePolicy:
    """The policy that the kernel command line sets. Raises Failure for an unknown value."""
    text = last_value(command_line, ARGUMENT)
    if text is None:
        return FailurePolicy()
    action, colon, seconds = text.partition(":")
    if action == HOLD and not colon:
        return FailurePolicy(HOLD)
    if action in ACTIONS and (not colon or (seconds.isascii() and seconds.isdecimal())):
        return FailurePolicy(action, float(seconds or "0"))
    raise Failure(
        f"kernel command line: {ARGUMENT}={text} is unknown",
        hint=f"write {ARGUMENT}=reboot:60, poweroff, or hold; without it the distribution decides",
    )
