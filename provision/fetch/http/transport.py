"""One HTTP exchange: connections, TLS and proxies. Only this module imports urllib3, and it is imported lazily."""

from __future__ import annotations

import errno
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from threading import local
from typing import Any
from urllib.parse import unquote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from provision.config.resources import urls
from provision.fetch.http.answer import Answer
from provision.fetch.http.connections import Connect, ConnectRequest
from provision.fetch.http.error_texts import BROKEN_OFF
from provision.fetch.http.http_types import ProxyRefusedError, Reply, Request
from provision.fetch.retry import Deadline, Report
from provision.fetch.stop_event import StopEvent

CHUNK = 256 * 1024
TUNNEL_FAILED = "Tunnel connection failed: "
"""The beginning of http.client's message about a refused CONNECT; the status of the proxy's answer follows."""

UNANSWERED = ("connected, but no answer yet", "is the server overloaded?")

HANDSHAKE = 10.0
"""Seconds for the TLS handshake, as in Ignition."""

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where distributions keep the certificate authorities (the files that Go's crypto/x509 reads)."""


OLD_URLLIB3 = str(vars(urllib3)["__version__"]).startswith("1.")
"""Whether this is urllib3 1.26 (Debian 12), which differs from 2 in two ways; both versions are tested."""

urllib3.disable_warnings()  # `error_texts` says what to do about the clock and the names in certificates


class TruncatedError(OSError):
    """The connection ended before the end of the body."""


class OtherHostError(ValueError):
    """The HTTP library reads another host or port from a URL than we do."""


def trust(authorities: Sequence[bytes]) -> ssl.SSLContext:
    """A context for TLS 1.2 or newer that trusts the system's certificate authorities and these PEM bundles.

    Raises ssl.SSLError if a bundle is not PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False  # names count only in subjectAltName (RFC 9525, 2), as in Go
    # if the host is an IP address, urllib3 1.26 gives TLS no host name, and compares names itself
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


class Transport:
    """Sends requests over connections that `connect` makes. `context` verifies TLS; plain http needs none.

    `stop` ends every wait.
    """

    def __init__(self, connect: Connect, context: ssl.SSLContext | None, connections: int, stop: StopEvent) -> None:
        self._stop = stop
        self._context = context
        if context is not None:
            context.sslsocket_class = _stopped_by(stop)
            context.sslobject_class = _NestedTls
        self._asking = local()
        self._pools = _pools(self._connected_by(connect))
        self._connections = connections
        self._managers: dict[str, urllib3.PoolManager] = {}

    def exchange(
        self, request: Request, proxy: str, connecting: float | None, headers: float | None, report: Report
    ) -> Reply:
        """Send a request and return when the headers of the answer have arrived.

        `connecting` and `headers` are limits in seconds, None for no limit. Raises OSError, or ValueError for a URL or
        a header that cannot be sent.
        """
        self._asking.report = report
        self._asking.endpoint = urls.origin(proxy or request.url)
        report(*UNANSWERED)
        try:
            response: Any = self._manager(proxy).urlopen(
                request.method,
                _without_user(request.url),
                redirect=False,
                body=request.body,
                headers=_with_credentials(request),
                retries=False,
                timeout=urllib3.Timeout(connect=connecting, read=headers),
                preload_content=False,
                decode_content=False,
            )
        except (ValueError, OSError):  # also urllib3's LocationParseError, which is a ValueError
            raise
        except HTTPException as error:
            raise OSError(errno.EPROTO, "the answer is not HTTP") from error
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error  # the client reads the causes only

        def close() -> None:
            response.close()
            response.release_conn()

        return Reply(response.status, response.reason or "", response.headers, partial(_chunks, response), close)

    def _manager(self, proxy: str) -> urllib3.PoolManager:
        """The pools of connections through a proxy, or of direct ones."""
        if proxy not in self._managers:
            further: dict[str, Any] = {"ssl_context": self._context, "maxsize": self._connections}
            if proxy:
                made: urllib3.PoolManager = urllib3.ProxyManager(
                    proxy,
                    self._connections,
                    None,
                    _credentials(proxy, "Proxy-Authorization"),
                    proxy_ssl_context=self._context,
                    **further,
                )
            else:
                made = urllib3.PoolManager(self._connections, **further)
            made.pool_classes_by_scheme = self._pools
            self._managers.setdefault(proxy, made)  # another thread may have been faster
        return self._managers[proxy]

    def _connected_by(self, connect: Connect) -> Callable[[HTTPConnection, int], socket.socket]:
        """The function that gives a connection its socket. It reports what it waits for to the request of this thread.

        That function raises OtherHostError if the HTTP library wants to connect to another host than we read.
        """

        def connected(connection: HTTPConnection, default_port: int) -> socket.socket:
            report: Report = self._asking.report
            host, port = connection.host, connection.port or default_port
            if (_plain_host(host), port) != (_plain_host(self._asking.endpoint.host), self._asking.endpoint.port):
                raise OtherHostError
            channel = connect(ConnectRequest(host, port, _seconds(connection.timeout), report, self._stop))
            report(*UNANSWERED)
            return channel

        return connected


def _plain_host(host: str) -> str:
    """A host in one form: lower case, without brackets and a dot at the end; letters beyond ASCII as IDNA."""
    host = host.strip("[]").replace("%25", "%").rstrip(".").lower()
    if host.isascii():
        return host
    return str(urllib3.util.parse_url(f"http://{host}").host)


def _without_user(url: str) -> str:
    """A URL as a proxy may see it: without user, password and fragment. Raises ValueError if it is none of HTTP."""
    parsed = urllib3.util.parse_url(url)
    if parsed.scheme not in urls.DEFAULT_PORTS or not parsed.host:
        raise ValueError("not a URL of http or https")
    return parsed._replace(auth=None, fragment=None).url


def _with_credentials(request: Request) -> dict[str, str]:
    """The headers of a request. User and password of its URL are sent if it has no Authorization, as Go does."""
    headers = dict(request.headers)
    if not any(name.lower() == "authorization" for name in headers):
        headers |= _credentials(request.url, "Authorization")
    return headers


def _credentials(url: str, header: str) -> dict[str, str]:
    """The header with the user and the password of a URL (RFC 7617); none if there is no user in it."""
    user, _, _ = urls.authority(url).rpartition("@")
    if not user:
        return {}
    words = unquote(user if ":" in user else f"{user}:").encode()
    return {header: f"Basic {b64encode(words).decode()}"}


def _chunks(response: urllib3.HTTPResponse, deadline: Deadline) -> Iterator[bytes]:
    """The body as it arrives, not decoded. Raises TruncatedError if it is shorter than announced."""
    # urllib3's own read() waits until a chunk is full, so a slow server could send beyond the deadline
    answer: Any = response._fp  # noqa: SLF001 - see above
    answer.allow(deadline)
    while True:
        try:
            chunk = answer.read1(CHUNK)
        except HTTPException as error:
            if answer.is_cut_off:  # else http.client says that the next size is no number
                raise TruncatedError(errno.ECONNRESET, BROKEN_OFF.text) from error
            raise
        if not chunk:
            break
        yield chunk
        if not deadline.left():
            raise TimeoutError(errno.ETIMEDOUT, "the body did not arrive in time")
    if answer.length:
        raise TruncatedError(errno.ECONNRESET, f"the body is {answer.length} bytes shorter than announced")
    response.release_conn()


def _pools(connected: Callable[[HTTPConnection, int], socket.socket]) -> dict[str, type[HTTPConnectionPool]]:
    """urllib3's connection pools by scheme, with sockets that we connect."""

    class Plain(HTTPConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            return connected(self, 80)

    class Tls(HTTPSConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            channel = connected(self, 443)
            channel.settimeout(min(HANDSHAKE, channel.gettimeout() or HANDSHAKE))
            return channel

        def _tunnel(self) -> None:
            try:
                super()._tunnel()  # private to http.client
            except OSError as error:
                told = str(error).partition(TUNNEL_FAILED)[2].split(maxsplit=1)
                if told and told[0].isdecimal():
                    raise ProxyRefusedError(int(told[0]), " ".join(told[1:])) from error
                raise

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

        def _validate_conn(self, conn: Any) -> None:
            # else it connects while it sends, where urllib3 ignores EPIPE, ECONNRESET and EPROTOTYPE
            if conn.sock is None:
                conn.connect()

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}


def _stopped_by(stop: StopEvent) -> type[ssl.SSLSocket]:
    """The type of TLS connections that `stop` ends, also in the middle of their handshake."""

    class Stoppable(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            stop.watch(self)
            super().do_handshake(block)

        def getpeercert(self, binary_form: bool = False) -> Any:
            return _without_subject(super().getpeercert(binary_form))

    return Stoppable


class _NestedTls(ssl.SSLObject):
    """TLS through a proxy that speaks TLS itself."""

    def getpeercert(self, binary_form: bool = False) -> Any:
        return _without_subject(super().getpeercert(binary_form))


def _without_subject(certificate: Any) -> Any:
    """A certificate without its subject: urllib3 1.26 would take the commonName for the name of a host."""
    return {**certificate, "subject": ()} if isinstance(certificate, dict) else certificate


def _seconds(timeout: object) -> float | None:
    return float(timeout) if isinstance(timeout, int | float) else None
