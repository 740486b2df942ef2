"""A real HTTP server on a real socket, which answers by a script and records its requests."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple


class Answer(NamedTuple):
    """An answer of the server. `missing` bytes are announced but never sent; `pause` seconds pass before the
    headers.
    """

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pause: float = 0.0
    missing: int = 0
    drip: float = 0.0


class Asked(NamedTuple):
    """A request to the server. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    port: int
    moment: float
    body: bytes


Script = Mapping[str, Answer | Sequence[Answer]] | Callable[[Asked], Answer]
"""Path (or `METHOD path`) -> the answer, or answers in turn, of which the last is given for ever; or a function."""


class Served(NamedTuple):
    url: str
    asked: list[Asked]


@contextmanager
def serve(script: Script, address: str = "127.0.0.1", port: int = 0, tls: Path | None = None) -> Iterator[Served]:
    """Serve a script; `tls` is a PEM file with key and certificate."""
    asked: list[Asked] = []
    server = _Server((address, port), script, asked)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    host = f"[{address}]" if ":" in address else address
    try:
        yield Served(f"http{'s' if tls else ''}://{host}:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, place: tuple[str, int], script: Script, asked: list[Asked]) -> None:
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        self.asked = asked
        self._script = script
        self._turns: dict[str, int] = {}
        self._lock = threading.Lock()
        super().__init__(place, _Handler)

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that break off are part of the tests."""

    def next(self, asked: Asked) -> Answer:
        if callable(self._script):
            return self._script(asked)
        key = next((key for key in (f"{asked.method} {asked.path}", asked.path) if key in self._script), "")
        answers = self._script.get(key, Answer(b"no such page", 404))
        if isinstance(answers, Answer):
            return answers
        with self._lock:
            self._turns[key] = self._turns.get(key, -1) + 1
            return answers[min(self._turns[key], len(answers) - 1)]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body that follows its headers would wait 40 ms for their acknowledgement
    server: _Server

    def answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", "0")))
        asked = Asked(self.command, self.path, headers, self.client_address[1], time.monotonic(), body)
        self.server.asked.append(asked)
        self._send(self.server.next(asked))

    def _send(self, answer: Answer) -> None:
        time.sleep(answer.pause)
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) + answer.missing))
        self.end_headers()
        if self.command != "HEAD":
            self._body(answer)
        if answer.missing:
            self.close_connection = True

    def _body(self, answer: Answer) -> None:
        for part in [answer.body[at : at + 1] for at in range(len(answer.body))] if answer.drip else [answer.body]:
            self.wfile.write(part)
            self.wfile.flush()
            time.sleep(answer.drip)

    do_GET = do_PUT = do_HEAD = do_POST = answer  # noqa: N815 - the names are http.server's

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


Talk = Callable[[socket.socket], None]
"""What a server that is not quite an HTTP server does with a caller."""


@contextmanager
def talking(*talks: Talk) -> Iterator[str]:
    """A plain TCP server. Each connection gets the next of these behaviours, further ones get the last."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def welcome() -> None:
            number = 0
            while not ended.is_set():
                with suppress(OSError):
                    channel, _ = listening.accept()
                    behaviour = talks[min(number, len(talks) - 1)]
                    threading.Thread(target=talk, args=(channel, behaviour), daemon=True).start()
                    number += 1

        def talk(channel: socket.socket, talk: Talk) -> None:
            with channel, suppress(OSError):
                channel.settimeout(5)
                talk(channel)

        threading.Thread(target=welcome, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        ended.set()
        listening.shutdown(socket.SHUT_RDWR)


def says(answer: bytes, hold: float = 0.0) -> Talk:
    """Read the request, answer, and keep the connection open for some seconds."""

    def talk(channel: socket.socket) -> None:
        channel.recv(65536)
        channel.sendall(answer)
        time.sleep(hold)

    return talk


def drips(answer: bytes) -> Talk:
    """Answer a byte every tenth of a second."""

    def talk(channel: socket.socket) -> None:
        for byte in answer:
            channel.sendall(bytes([byte]))
            time.sleep(0.1)

    return talk


def hangs(_channel: socket.socket) -> None:
    """Do not answer for longer than a test takes."""
    time.sleep(60)
