"""A real Tang server (https://github.com/latchset/tang) for clevis."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TANGD = "/usr/libexec/tangd"


@contextmanager
def serving_tang(keys: Path) -> Iterator[int]:
    """The port of a tangd on loopback, whose keys are made in a new folder."""
    keys.mkdir()
    subprocess.run([f"{TANGD}-keygen", str(keys)], check=True, capture_output=True)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        """As systemd's socket activation: a tangd for each connection."""
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                subprocess.Popen([TANGD, str(keys)], stdin=connection.fileno(), stdout=connection.fileno())

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def thumbprint(keys: Path) -> str:
    """The thumbprint of the key that signs, as tang-show-keys(1) prints it."""
    key = next(path for path in sorted(keys.glob("*.jwk")) if b'"verify"' in path.read_bytes())
    return subprocess.check_output(["jose", "jwk", "thp", "-a", "S256", "-i", str(key)], text=True).strip()
