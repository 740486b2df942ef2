"""An HTTP server for a guest: a payload, further files, and requests that can be kept waiting."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

FROM_THE_GUEST = "10.0.2.2"


class Server(ThreadingHTTPServer):
    """Answers a request for a path of `files` with that file, any other with the payload, as soon as `open` is set."""

    daemon_threads = True

    def __init__(self, payload: bytes, certificate: Path | None = None) -> None:
        """With a certificate (for FROM_THE_GUEST, and its key) the server speaks TLS."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.payload = payload
        self.files: dict[str, bytes] = {}
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.open = Event()
        self.open.set()
        self.asked = 0

    def handle_error(self, *_request: Any) -> None:
        """A guest that is killed closes its connection: nothing to report."""

    @property
    def url(self) -> str:
        """The URL at which the guest reaches the payload."""
        return self.url_of("/payload")

    def url_of(self, path: str) -> str:
        """The URL at which the guest reaches a path."""
        return f"{self.scheme}://{FROM_THE_GUEST}:{self.server_address[1]}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        self.server.open.wait()
        body = self.server.files.get(self.path, self.server.payload)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing."""


@contextmanager
def serving(payload: bytes, certificate: Path | None = None) -> Iterator[Server]:
    """A server for the time of a test."""
    with Server(payload, certificate) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.open.set()
        server.shutdown()
