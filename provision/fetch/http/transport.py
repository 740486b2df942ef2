"""One HTTP exchange on the wire: connections, TLS and proxies. The only importer of requests, itself imported lazily.

Adapters are used without a session, so that nothing is added to a request: no cookies, no netrc, no environment, no
redirects.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.client import BadStatusLine, HTTPResponse, parse_headers
from pathlib import Path
from threading import Event, Timer, local
from typing import Any, cast

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from provision.fetch.http.connections import Connect, ConnectRequest
from provision.fetch.http.http_types import ProxyRefusedError, Reply, Request
from provision.fetch.retry import Deadline, Report

CHUNK = 256 * 1024
BODY_SILENCE = 60.0
"""Seconds without a byte in the middle of a body after which the attempt is given up."""

TUNNEL_FAILED = "Tunnel connection failed: "
"""How http.client begins to tell the status of a proxy's answer to CONNECT."""

UNANSWERED = ("connected, but no answer yet", "is the server overloaded?")

INTERIM_LIMIT = 10
"""How many interim answers (1xx) are passed over before the real one."""

HANDSHAKE = 10.0
"""Seconds for the TLS handshake, as the reference implementation allows."""

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where distributions keep the certificate authorities (the places that Go's crypto/x509 looks at)."""


OLD_URLLIB3 = str(vars(urllib3)["__version__"]).startswith("1.")
"""urllib3 1.26, which is Debian 12's: two things are different there, and both versions are tested."""

urllib3.disable_warnings(urllib3.exceptions.SystemTimeWarning)  # what to do about the clock is said by `error_texts`


class TruncatedError(OSError):
    """The connection ended before the body did."""


def trust(authorities: Sequence[bytes]) -> ssl.SSLContext:
    """TLS 1.2 or newer, verified, by the system's certificate authorities and further PEM bundles.

    Raises ssl.SSLError if a bundle is not PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # the old one tells TLS no host name where the host is an IP address, and compares names itself if TLS does not
    context.check_hostname = not OLD_URLLIB3
    context.set_default_verify_paths()
    if not _has_defaults():
        for bundle in BUNDLES:
            if Path(bundle).is_file():
                context.load_verify_locations(bundle)
                break
    for authority in authorities:
        context.load_verify_locations(cadata=authority.decode("ascii", "ignore"))
    return context


def _has_defaults() -> bool:
    places = ssl.get_default_verify_paths()
    return bool(places.cafile or (places.capath and any(Path(places.capath).glob("*.0"))))


class Transport(HTTPAdapter):
    """Sends requests over connections made by `connect`, trusting `context`, which plain http does without."""

    def __init__(self, connect: Connect, context: ssl.SSLContext | None, connections: int) -> None:
        self._context = context
        self._asking = local()
        self._pools = _pools(self._connected_by(connect))
        super().__init__(pool_connections=connections, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **further: Any) -> None:
        """Make the pool of direct connections."""
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **further)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **further: Any) -> Any:
        """Make the pool of connections through a proxy."""
        manager = super().proxy_manager_for(
            proxy, ssl_context=self._context, proxy_ssl_context=self._context, **further
        )
        manager.pool_classes_by_scheme = self._pools
        return manager

    def cert_verify(self, _conn: Any, _url: str, _verify: Any, _cert: Any) -> None:
        """Leave trust to the context: requests would bring its own certificate authorities."""

    def ask(
        self, request: Request, proxy: str, connecting: float | None, headers: float | None, report: Report
    ) -> Reply:
        """Send a request and return when the headers of the answer are there.

        `connecting` and `headers` are the seconds each may take, None for ever. Raises requests.RequestException or
        OSError.
        """
        self._asking.report = report
        report(*UNANSWERED)
        prepared = requests.Request(request.method, request.url, dict(request.headers), data=request.body).prepare()
        proxies = {scheme: proxy for scheme in ("http", "https") if proxy}
        timeout = cast("tuple[float, float]", (connecting, headers))  # None is allowed, which the stubs leave out
        response = self.send(prepared, stream=True, timeout=timeout, verify=True, proxies=proxies)
        chunks = partial(_chunks, response)
        return Reply(response.status_code, response.reason or "", response.headers, chunks, response.close)

    def _connected_by(self, connect: Connect) -> Callable[[HTTPConnection, int], socket.socket]:
        """How a connection gets its socket: what it waits for is said to whoever asks in this thread."""

        def connected(connection: HTTPConnection, port: int) -> socket.socket:
            report: Report = self._asking.report
            channel = connect(
                ConnectRequest(connection.host, connection.port or port, _seconds(connection.timeout), report)
            )
            report(*UNANSWERED)
            return channel

        return connected


def _chunks(response: requests.Response, deadline: Deadline) -> Iterator[bytes]:
    """The body as it arrives, not decoded; raises TruncatedError if it is shorter than announced."""
    # urllib3's own read() waits until a chunk is full, so that nobody could look at the clock while a server drips
    wire: Any = response.raw._fp  # noqa: SLF001
    channel: Any = wire.fp and wire.fp.raw._sock  # noqa: SLF001 - the connection has let go of it if it closes
    while deadline.left():
        if channel:
            channel.settimeout(deadline.within(BODY_SILENCE))
        chunk = wire.read1(CHUNK)
        if not chunk:
            break
        yield chunk
    else:
        raise TimeoutError("the body did not arrive in time")
    if wire.length:
        raise TruncatedError(f"the body is {wire.length} bytes shorter than announced")
    response.raw.release_conn()


def _pools(connected: Callable[[HTTPConnection, int], socket.socket]) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's pools with our connections: its seam for where sockets come from."""

    class Plain(HTTPConnection):
        response_class = _Answer

        def _new_conn(self) -> socket.socket:
            return connected(self, 80)

        def getresponse(self, *arguments: Any, **further: Any) -> Any:
            return _patient(
                self, lambda: super(Plain, self).getresponse(*arguments, **further), _time_for_headers(self)
            )

    class Tls(HTTPSConnection):
        response_class = _Answer

        def _new_conn(self) -> socket.socket:
            channel = connected(self, 443)
            channel.settimeout(min(HANDSHAKE, channel.gettimeout() or HANDSHAKE))
            return channel

        def _tunnel(self) -> None:
            try:
                _patient(self, super()._tunnel, self.sock.gettimeout())  # private to http.client
            except OSError as error:
                told = str(error).partition(TUNNEL_FAILED)[2].split(maxsplit=1)
                if told and told[0].isdecimal():
                    raise ProxyRefusedError(int(told[0]), " ".join(told[1:])) from error
                raise

        def getresponse(self, *arguments: Any, **further: Any) -> Any:
            return _patient(self, lambda: super(Tls, self).getresponse(*arguments, **further), _time_for_headers(self))

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}


class _Answer(HTTPResponse):
    """Passes over interim answers such as 103, early hints; http.client passes over 100 alone."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(INTERIM_LIMIT):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # private to http.client
            if not 100 < status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            parse_headers(self.fp)
        raise BadStatusLine("too many interim answers")


def _patient(connection: HTTPConnection, answered: Callable[[], Any], seconds: float | None) -> Any:
    """The answer of a server that has so many seconds for all of it, not for each byte."""
    channel, late = cast("socket.socket", connection.sock), Event()
    guard = Timer(seconds or 0, _hang_up, (channel, late))
    if seconds:
        guard.start()
    try:
        return answered()
    except Exception as error:
        if late.is_set():
            raise TimeoutError(errno.ETIMEDOUT, "no answer in time") from error
        raise
    finally:
        guard.cancel()


def _time_for_headers(connection: HTTPConnection) -> float | None:
    """The old one has given the time to the socket by now, the new one does so in a moment."""
    return cast("socket.socket", connection.sock).gettimeout() if OLD_URLLIB3 else _seconds(connection.timeout)


def _hang_up(channel: socket.socket, late: Event) -> None:
    late.set()
    with suppress(OSError):
        channel.shutdown(socket.SHUT_RDWR)


def _seconds(timeout: object) -> float | None:
    return float(timeout) if isinstance(timeout, int | float) else None
