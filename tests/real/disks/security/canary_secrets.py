"""A config full of canary secrets, a target on which it fails, and a record of everything that other users can read.

Programs run under strace(1), which stops every child at execve(2), so that no argument or environment is missed, in a
mount namespace of their own, where /run, the journal's socket and /dev/kmsg are the test's.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shlex
import shutil
import socket
import stat
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.real.disks.loop_devices import is_rooted

NAMES = (
    *("inline", "base64", "percent", "gzip", "append", "drop-in", "unit", "child", "body"),
    *("user-hash", "group-hash", "luks-key", "luks-url", "luks-body", "clevis"),
    *("header", "query", "user-info", "fragment", "merge-header", "merge-query"),
    *("proxy", "redirect", "command-line", "status"),
)
CANARIES = {name: "Zq" + hashlib.sha256(name.encode()).hexdigest()[:10] for name in NAMES}

FREE = ("etc/systemd/system/",)
"""Where the config itself wants its canaries readable: units."""

SPEECHLESS = ("etc/.ignition-result.json", "ignition/state", "ignition/neednet")
"""Files of the engine that hold no secret at all, whatever their mode is.

The record of an unfinished run has the account files as they were, the hashes in them included: it is 0600, as these
are, and a finished one has them no more (`tests/engine/test_history.py`).
"""


def lacking() -> str:
    """What this machine lacks for these tests; empty if nothing."""
    if shutil.which("strace") is None:
        return "strace"
    return "" if is_rooted() else "mount point at /: unshare(1) wants one, and a chroot may have none"


def compressed(text: str) -> str:
    return b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def forms(name: str) -> Iterator[bytes]:
    """The encodings in which a canary may appear: plain, hexadecimal, percent, escapes, base64 at any offset, gzip."""
    plain = CANARIES[name].encode()
    yield plain
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    yield "".join(f"%{byte:02x}" for byte in plain).encode()
    yield "".join(f"%{byte:02X}" for byte in plain).encode()
    yield "".join(f"\\u{byte:04x}" for byte in plain).encode()
    for offset in range(3):
        encoded = b64encode(bytes(offset) + plain)
        yield encoded[(offset and 4) : len(encoded) - 4]
    if name == "gzip":
        yield compressed(CANARIES[name])[16:40].encode()


FORMS = {form: name for name in NAMES for form in forms(name)}


def seen(data: bytes) -> set[str]:
    """The names of the canaries in some bytes."""
    return {name for form, name in FORMS.items() if form in data}


C = CANARIES
PARTITION = "/dev/disk/by-partlabel/{label}"
URL = f"http://user:{C['user-info']}@{{server}}/file?token={C['query']}#{C['fragment']}"
HEADERS = [{"name": "X-Token", "value": C["header"]}]
LUKS = {
    "name": "vault",
    "device": f"{PARTITION}2",
    "wipeVolume": True,
    "options": ["--pbkdf=pbkdf2", "--pbkdf-force-iterations=1000"],
    "keyFile": {"source": f"data:,{C['luks-key']}"},
}
BOUND = {
    **LUKS,
    "name": "cellar",
    "device": f"{PARTITION}3",
    "keyFile": {"source": f"http://user:{C['luks-url']}@{{server}}/key"},
    "clevis": {"custom": {"pin": "sss", "config": json.dumps({"t": 1, "pins": {C["clevis"]: {}}})}},
}
CONTENTS: dict[str, dict[str, object]] = {
    "inline": {"source": f"data:,{C['inline']}"},
    "base64": {"source": "data:;base64," + b64encode(C["base64"].encode()).decode()},
    "percent": {"source": "data:," + "".join(f"%{byte:02x}" for byte in C["percent"].encode())},
    "gzip": {"source": f"data:;base64,{compressed(C['gzip'])}", "compression": "gzip"},
    "body": {"source": URL, "httpHeaders": HEADERS},
}
CONFIG: dict[str, object] = {
    "ignition": {
        "version": "3.4.0",
        "config": {
            "merge": [
                {
                    "source": f"http://{{server}}/child?token={C['merge-query']}",
                    "httpHeaders": [{"name": "X-Token", "value": C["merge-header"]}],
                }
            ]
        },
        "proxy": {"httpProxy": f"http://user:{C['proxy']}@{{server}}"},
        "timeouts": {"httpTotal": 60},
    },
    "kernelArguments": {"shouldExist": ["quiet"]},
    "passwd": {
        "groups": [{"name": "team", "passwordHash": f"$y$j9T$a${C['group-hash']}"}],
        "users": [{"name": "core", "passwordHash": f"$y$j9T$a${C['user-hash']}", "sshAuthorizedKeys": ["ssh-x A"]}],
    },
    "storage": {
        "disks": [
            {
                "device": "{disk}",
                "partitions": [{"number": one, "label": f"{{label}}{one}", "sizeMiB": 24} for one in (1, 2, 3)],
            }
        ],
        "luks": [LUKS, BOUND],
        "filesystems": [{"device": f"{PARTITION}1", "format": "ext4", "label": "plain", "path": "/srv"}],
        "files": [
            *({"path": f"/etc/secret/{name}", "mode": 384, "contents": source} for name, source in CONTENTS.items()),
            {"path": "/etc/secret/append", "mode": 384, "append": [{"source": f"data:,{C['append']}"}]},
        ],
    },
    "systemd": {
        "units": [
            {
                "name": "a.service",
                "contents": f"[Service]\nEnvironment=TOKEN={C['unit']}\n",
                "dropins": [{"name": "b.conf", "contents": f"[Service]\nEnvironment=TOKEN={C['drop-in']}\n"}],
            }
        ]
    },
}
"""A config in which every canary has its place; `{server}`, `{disk}` and `{label}` are put in when it is used.

The proxy is the same server: what is on this machine is never asked for through a proxy.
"""


class Watched(NamedTuple):
    """The exit statuses, and all that other users can read afterwards: name of the channel -> bytes."""

    status: int
    channels: dict[str, bytes]

    @property
    def said(self) -> str:
        """All output for the user."""
        return b"\n".join(self.channels[name] for name in ("stdout", "stderr", "journal")).decode(errors="replace")


class WatchedTarget:
    """A folder with a target root, a place for /run, and tools that come before the machine's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("run/systemd/journal", "root/etc", "tmp", "bin", "work"):
            (folder / name).mkdir(parents=True)
        (folder / "kmsg").touch()
        self.root = folder / "root"
        self.path = f"{folder}/bin:{os.environ['PATH']}"
        for name, text, mode in (
            ("passwd", "root:x:0:0::/root:/bin/sh\n", 0o644),
            ("group", "root:x:0:\n", 0o644),
            ("shadow", "root:*:::::::\n", 0o600),
            ("gshadow", "root:*::\n", 0o600),
        ):
            (self.root / "etc" / name).write_text(text)
            (self.root / "etc" / name).chmod(mode)

    def tool(self, name: str, script: str) -> None:
        """Put a program first on PATH."""
        (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def private(self, name: str, text: str) -> Path:
        """An input of the test, in a file that only root can read."""
        path = self.folder / "work" / name
        path.touch(0o600)
        path.write_text(text)
        return path

    def hide(self, name: str) -> None:
        """Leave a program out of PATH."""
        self.path = str(self.folder / "bin")
        for folder in reversed(os.environ["PATH"].split(":")):
            for path in Path(folder).glob("*"):
                if path.name != name:
                    (self.folder / "bin" / path.name).unlink(missing_ok=True)
                    (self.folder / "bin" / path.name).symlink_to(path)

    def run(self, before: str, commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> Watched:
        """Run commands one after the other until one fails, under watch; `before` is done in their namespace first."""
        script = 'for step; do sh -c "$step" || exit $?; done'
        trace = self.folder / "work/trace"
        strace = f"strace --seccomp-bpf -f -qq -v -s 1000000 -e trace=execve,execveat -e signal=none -o {trace}"
        inside = (
            f"mount --bind {self.folder}/run /run && mount --bind {self.folder}/kmsg /dev/kmsg && {before or 'true'}"
            f" && PATH={self.path} exec {strace} sh -c '{script}' steps \"$@\""
        )
        argv = ["unshare", "--mount", "sh", "-c", inside, "target", *map(shlex.join, commands)]
        with _journal(self.folder / "run/systemd/journal") as messages:
            done = subprocess.run(
                argv,
                env={**os.environ, "TMPDIR": str(self.folder / "tmp"), **environment},
                cwd=self.folder / "tmp",
                capture_output=True,
                stdin=subprocess.DEVNULL,
                check=False,
                timeout=60,
            )
        channels = {"stdout": done.stdout, "stderr": done.stderr, "journal": b"\n".join(messages)}
        channels |= {"arguments and environments": trace.read_bytes(), "kmsg": (self.folder / "kmsg").read_bytes()}
        return Watched(done.returncode, channels | dict(self._files()))

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Files that others can read afterwards, or that must not hold secrets."""
        for top in ("run", "root", "tmp"):
            for path in sorted((self.folder / top).rglob("*")):
                found = path.lstat()
                name = str(path.relative_to(self.folder / top))
                wide = stat.S_IMODE(found.st_mode) & 0o077 and not name.startswith(FREE)
                if stat.S_ISREG(found.st_mode) and (wide or name in SPEECHLESS):
                    yield f"{top}/{name}", path.read_bytes()


@contextmanager
def _journal(folder: Path) -> Iterator[list[bytes]]:
    """A socket in the place of the journal's, bound by a descriptor: its path may be too long for a socket."""
    messages: list[bytes] = []
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    directory = os.open(folder, os.O_PATH)
    address = f"/proc/self/fd/{directory}/socket"
    channel.bind(address)

    def listen() -> None:
        while message := channel.recv(1 << 20):
            messages.append(message)

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield messages
    finally:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", address)
        thread.join()
        channel.close()
        os.close(directory)
