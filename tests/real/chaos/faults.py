"""Let one system call of a program fail, or kill the program there; a seccomp notifier counts the calls.

The program is a function that runs in a forked child, so that a run costs no start of an interpreter. Every call that
changes something stops until this process has decided: let it go on, let it fail with an error, or kill the child.
Source: seccomp_unotify(2), <linux/seccomp.h>, <linux/filter.h>; numbers of calls: x86-64.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple, NoReturn

_CHANGES = {
    "write": 1, "ioctl": 16, "pwrite64": 18, "writev": 20, "sendfile": 40, "fsync": 74, "fdatasync": 75,
    "truncate": 76, "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87,
    "symlink": 88, "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "mknod": 133, "sync": 162,
    "pivot_root": 155, "mount": 165, "umount2": 166, "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190,
    "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "openat": 257, "mkdirat": 258, "unshare": 272,
    "mknodat": 259, "fchownat": 260, "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266,
    "fchmodat": 268, "utimensat": 280, "fallocate": 285, "pwritev": 296, "syncfs": 306, "renameat2": 316,
    "copy_file_range": 326, "openat2": 437, "open": 2,
}  # fmt: skip

_MEMORY = {"mmap": 9, "brk": 12, "clone": 56, "vfork": 58, "memfd_create": 319, "clone3": 435}
_NETWORK = {"socket": 41, "connect": 42, "sendto": 44, "recvfrom": 45}
_WRITES = {"write": 1, "pwrite64": 18}

Kind = Literal["change", "memory", "network", "write"]

CALLS: dict[Kind, dict[str, int]] = {"change": _CHANGES, "memory": _MEMORY, "network": _NETWORK, "write": _WRITES}
"""Calls that change files, devices or mounts; that need memory; that talk to a server; that may write a part only."""

KILL = 0
"""In the place of an error: the whole run is killed before the call."""

POWER_LOSS = -1
"""In the place of an error: as KILL, and everything that is not on the disk is lost (`power_loss`)."""

SHORT = -2
"""In the place of an error: the first half is written, and the call says so, as it may (write(2))."""

TORN = -3
"""In the place of an error: the first half is written, and then the whole run is killed."""

_NAMES = {KILL: "KILL", POWER_LOSS: "POWER_LOSS", SHORT: "SHORT", TORN: "TORN", **errno.errorcode}

_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_READING = (0x5401, 0x5413, 0x5421, 0x541B, 0x8912, 0x80081272, 0x1268)
"""ioctl(2) requests that change nothing: of terminals and sockets, and the sizes of a device."""

LIMIT = 120.0
"""Seconds after which a run counts as hanging."""

HANGS = "it hangs"

_LOADABLE = ctypes.CDLL(None, use_errno=True)
_SECCOMP, _FILTER, _LISTENER, _PIDFD_GETFD = 317, 1, 8, 438
_RECEIVE, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1

Step = tuple[int, int, int, int]
"""An instruction of a filter: operation, steps to skip if a test is true, if it is false, and a number."""

_LOAD, _EQUAL, _SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOWED: Step = (_RETURN, 0, 0, 0x7FFF0000)
_NOTIFIED: Step = (_RETURN, 0, 0, 0x7FC00000)
_FIRST, _SECOND, _THIRD = 16, 24, 32
"""Where the low halves of a call's arguments are in `struct seccomp_data`."""

_OPENED: list[Step] = [(_SET, 0, 1, _CHANGING), _NOTIFIED, _ALLOWED]
_PRINTED: list[Step] = [(_EQUAL, 2, 0, 1), (_EQUAL, 1, 0, 2), _NOTIFIED, _ALLOWED]
_ASKED: list[Step] = [(_EQUAL, len(_READING) - index, 0, one) for index, one in enumerate(_READING)]
_CONDITIONS: dict[str, list[Step]] = {
    "open": [(_LOAD, 0, 0, _SECOND), *_OPENED],
    "openat": [(_LOAD, 0, 0, _THIRD), *_OPENED],
    "write": [(_LOAD, 0, 0, _FIRST), *_PRINTED],
    "writev": [(_LOAD, 0, 0, _FIRST), *_PRINTED],
    "ioctl": [(_LOAD, 0, 0, _SECOND), *_ASKED, _NOTIFIED, _ALLOWED],
}
"""When a call changes something: opening a file only for writing, and printing never."""


class Fault(NamedTuple):
    """What happens to the call with that number of its kind: an error, or KILL, POWER_LOSS, SHORT, TORN."""

    number: int
    error: int
    kind: Kind

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}:{_NAMES[self.error]}"

    @classmethod
    def parse(cls, text: str) -> Fault:
        """The fault that `str` writes so, as `change:12:EIO`. Raises ValueError."""
        kind, number, name = text.split(":")
        kinds: dict[str, Kind] = {one: one for one in CALLS}
        errors = {one: error for error, one in _NAMES.items()}
        if kind not in kinds or name not in errors:
            raise ValueError(f"a fault is KIND:NUMBER:ERROR, with a kind of {', '.join(kinds)}")
        return cls(int(number), errors[name], kinds[kind])


class Run(NamedTuple):
    """The result of a run: exit status (negative for a signal), output, number of calls of each kind that was watched,
    and which call failed.
    """

    status: int
    output: str
    calls: Mapping[Kind, int]
    struck: str


def run_with(fault: Fault, program: Callable[[], int]) -> Run:
    """Run a function in a child, with a fault. The child has ended when this returns."""
    return _run(program, (fault.kind,), fault)


def run_undisturbed(program: Callable[[], int], counted: Sequence[Kind] = ()) -> Run:
    """Run a function in a child, and count its calls of some kinds. The child has ended when this returns."""
    return _run(program, counted, None)


def _run(program: Callable[[], int], kinds: Sequence[Kind], fault: Fault | None) -> Run:
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as output:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if not pid:
            _child(program, theirs, output.fileno(), kinds)
        theirs.close()
        try:
            calls, struck = _supervise(pid, ours, kinds, fault) if kinds else ({}, _awaited(pid))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            ours.close()
            _, status = os.waitpid(pid, 0)
        output.seek(0)
        return Run(os.waitstatus_to_exitcode(status), output.read().decode(errors="replace"), calls, struck)


def _child(program: Callable[[], int], channel: socket.socket, output: int, kinds: Sequence[Kind]) -> NoReturn:
    status = 99
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        if kinds:
            notifier = _install({name: number for kind in kinds for name, number in CALLS[kind].items()})
            socket.send_fds(channel, [b"x"], [notifier])
            os.close(notifier)
        channel.close()
        status = program()
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - a child of a test never returns into the test
        with suppress(BaseException):
            os.write(2, f"test child: {error!r}\n".encode())
    finally:
        os._exit(status)


def _install(calls: Mapping[str, int]) -> int:
    """Put the filter in place for this process and its children; returns the listener's descriptor."""
    steps: list[Step] = [(_LOAD, 0, 0, 0)]  # the number of the call
    for name, number in calls.items():
        then = _CONDITIONS.get(name, [_NOTIFIED])
        steps += [(_EQUAL, 0, len(then), number), *then]
    steps.append(_ALLOWED)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
    fd: int = _LOADABLE.syscall(_SECCOMP, _FILTER, _LISTENER, program)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return fd


def _awaited(pid: int) -> str:
    """Wait until a child has ended; empty, or says that it hangs."""
    child = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(child, select.POLLIN)
        return "" if poll.poll(LIMIT * 1000) else HANGS
    finally:
        os.close(child)


def _supervise(
    pid: int, channel: socket.socket, kinds: Sequence[Kind], fault: Fault | None
) -> tuple[Mapping[Kind, int], str]:
    """Decide about every call until all processes of the child have ended."""
    _, received, _, _ = socket.recv_fds(channel, 1, 1)
    if not received:
        return {}, ""
    notifier = received[0]
    names = {number: name for kind in kinds for name, number in CALLS[kind].items()}
    calls = Counter[Kind]()
    struck, deadline = "", time.monotonic() + LIMIT
    poll = select.poll()
    poll.register(notifier, select.POLLIN)
    try:
        while True:
            events = poll.poll(1000)
            if any(event & select.POLLHUP for _, event in events):
                break
            if time.monotonic() > deadline:
                return calls, f"{struck}; {HANGS}"
            if not events:
                continue
            notice = bytearray(80)
            try:
                fcntl.ioctl(notifier, _RECEIVE, notice)
            except OSError:
                continue  # it was killed in the meantime
            identity, task, _, number, _, _, *arguments = struct.unpack("QIIiIQ6Q", notice)
            name = names[number]
            if name != "openat2" or _opens_for_writing(task, arguments):
                calls.update(kind for kind in kinds if name in CALLS[kind])
            result, error = 0, 0
            if fault is not None and calls[fault.kind] == fault.number and not struck:
                struck = _described(name, task, arguments)
                if fault.error in {SHORT, TORN}:
                    result = _write_half(name, task, arguments)
                if fault.error in {KILL, POWER_LOSS, TORN}:
                    os.killpg(pid, signal.SIGKILL)
                    continue
                error = -max(fault.error, 0)
            flags = 0 if error or result else _CONTINUE
            with suppress(OSError):
                fcntl.ioctl(notifier, _SEND, struct.pack("QqiI", identity, result, error, flags))
    finally:
        os.close(notifier)
    return calls, struck


def _opens_for_writing(task: int, arguments: list[int]) -> bool:
    """Whether a call of openat2(2) does; its flags are not in a register, so that no filter can see them."""
    return bool(struct.unpack("Q", _memory(task, arguments[2], 8))[0] & _CHANGING)


_DIRECT_UNIT = 4096
"""Bytes of which a write with O_DIRECT is a multiple on every device (open(2))."""


def _write_half(name: str, task: int, arguments: list[int]) -> int:
    """Write the first half of what a call would write, in its place; the number of bytes."""
    with open(f"/proc/{task}/status") as status:
        process = next(int(line.split()[1]) for line in status if line.startswith("Tgid:"))
    pidfd = os.pidfd_open(process)
    fd = _LOADABLE.syscall(_PIDFD_GETFD, pidfd, arguments[0], 0)
    os.close(pidfd)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    try:
        length = arguments[2] // 2
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        if flags & os.O_DIRECT:
            length -= length % _DIRECT_UNIT
            fcntl.fcntl(fd, fcntl.F_SETFL, flags & ~os.O_DIRECT)  # our memory is at no address that it allows
        half = _memory(task, arguments[1], length)[:length]
        written = os.write(fd, half) if name == "write" else os.pwrite(fd, half, arguments[3])
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)
        return written
    finally:
        os.close(fd)


def _described(name: str, task: int, arguments: list[int]) -> str:
    """A call in words: its name, and the first path among its arguments."""
    with suppress(OSError, IndexError):
        at = 0 if name in {"open", "rename", "mkdir", "rmdir", "link", "unlink", "chmod", "chown", "symlink"} else 1
        if name.endswith(("at", "at2")) or not at:
            return f"{name} {_memory(task, arguments[at], 256).split(bytes(1))[0].decode(errors='replace')}"
    with suppress(OSError):
        return f"{name} {os.readlink(f'/proc/{task}/fd/{arguments[0]}')}"
    return name


def _memory(task: int, address: int, length: int) -> bytes:
    with open(f"/proc/{task}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(length).ljust(8, b"\0")
