"""Power cuts: a child process runs the stages of a boot and is killed with all its tools after some action."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from provision.boot.stage.deferred_fetcher import DeferredFetcher
from provision.config.json_text.decode import decode
from provision.engine.execution import Engine
from provision.engine.history import RECORD, FileHistory, NoHistory
from provision.engine.preflight import Step, preflight
from provision.failures import Failure
from provision.planning.actions import Action
from provision.planning.arguments import Blob
from provision.planning.boot_state import BootState
from provision.planning.file_actions import FILE_ACTIONS, FileAction
from provision.stages import load_stage
from provision.system.block import udev
from provision.system.block.kernel_devices import KernelDevices
from provision.system.machine import Machine
from provision.system.mounts import unshare_mounts_if_allowed
from provision.system.root.record_file import RecordFile

NEVER = 0


class PowerCutMachine(Machine):
    """A machine that is killed after `left` actions."""

    left = NEVER
    _one_at_a_time = threading.Lock()

    def apply(self, action: Action) -> None:
        super().apply(action)
        if not isinstance(action, FILE_ACTIONS):
            self._count()

    def apply_nodes(self, actions: Sequence[FileAction]) -> None:
        if self.left == NEVER:
            super().apply_nodes(actions)
            return
        for action in actions:
            super().apply_nodes([action])
            self._count()

    @contextmanager
    def new_blob(self, blob: Blob, destination: str) -> Iterator[BinaryIO]:
        with super().new_blob(blob, destination) as file:
            yield file
        self._count()

    def _count(self) -> None:
        with self._one_at_a_time:
            PowerCutMachine.left -= 1
            if PowerCutMachine.left == 0:
                os.killpg(0, signal.SIGKILL)


class Ended(NamedTuple):
    """The end of a boot: whether it was killed, the titles of the actions done, and why it failed (empty if it did
    not).
    """

    done: Sequence[str] = ()
    failure: str = ""
    killed: bool = False


def boot(
    folder: Path, config: dict[str, Any], stages: Sequence[str], left: int = NEVER, seconds: float = NEVER
) -> Ended:
    """Run stages on the tree `root` of a folder, in a mount namespace of their own.

    If this machine has no udevd, links that other processes make in /dev/disk are hidden.
    The boot is killed after `left` actions, or after a number of seconds.
    """
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003 - so that the pipe ends with the last of the tools
    child = os.fork()
    if not child:
        os.setsid()
        unshare_mounts_if_allowed()
        if not udev.running():
            subprocess.run(["mount", "-t", "tmpfs", "links", "/dev/disk"], check=False, stderr=subprocess.DEVNULL)
        PowerCutMachine.left = left
        told = _told(folder, json.dumps(config).encode(), stages)
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
    os.close(writing)
    if seconds:
        time.sleep(seconds)
        os.killpg(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(killed=True) if status == -signal.SIGKILL else Ended(*json.loads(said))


def _told(folder: Path, config: bytes, stages: Sequence[str]) -> tuple[list[str], str]:
    done: list[str] = []
    state = BootState(seed="a machine with an identity has one seed for one config")
    try:
        for stage in stages:
            state = _carry_out(folder, config, stage, state, done)
    except Failure as failure:
        return done, failure.message
    except BaseException as bug:  # noqa: BLE001 - a forked child must not come back into pytest
        return done, repr(bug)
    return done, ""


def _carry_out(folder: Path, text: bytes, name: str, state: BootState, done: list[str]) -> BootState:
    """Carry out one stage as a boot does."""
    config, stage = decode(text), load_stage(name)
    machine = PowerCutMachine(str(folder / "root"), KernelDevices(wait_seconds=5), state, str(folder / "run"))
    record = RecordFile(str(folder / "root"), RECORD)
    history = FileHistory(record, "digest") if stage.journalled else NoHistory()

    def watch(step: Step) -> None:
        done.append(f"{name}: {step.action.title}")

    try:
        if history.finished(machine):
            return machine.boot_state()
        preflight([stage], config, machine, history.view(machine))
        fetcher = DeferredFetcher(config, "file", _unheard)
        Engine(machine, fetcher, watch, history).run(stage, config)
        return machine.boot_state()
    finally:
        machine.release()


def _unheard(level: str, message: str, **fields: str) -> None:
    """Ignore a message."""
