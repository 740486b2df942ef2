"""Metadata services: configs that are served over HTTP on the machine's own link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.http.http_types import Headers, Request
from provision.fetch.platforms.context import FetchContext
from provision.fetch.platforms.sources import POLL_SECONDS, Together
from provision.fetch.retry import Deadline, WaitReporter
from provision.fetch.running_system import RunningSystem
from provision.fetch.settings import CONFIG_LIMIT

if TYPE_CHECKING:
    from provision.fetch.http.client import Client
    from provision.fetch.http.connections import Connect


class TokenRequest(NamedTuple):
    """A request for a token, which later requests send in `header`. If the answer is 404, no token is needed."""

    path: str
    headers: Headers
    header: str
    method: str = "PUT"
    optional: bool = False


CONNECTIONS = {"privileged": " from a local port below 1024", "vsock": " over vsock, CID 2, port 1024"}
"""How connections other than plain TCP are described."""

VSOCK_HOST, VSOCK_PORT = 2, 1024


class Http(NamedTuple):
    """A metadata service.

    `absent` says whether 404 means that there is no config. `retried` are the statuses after which it is asked again.
    `connection` is tcp, privileged (from a local port below 1024) or vsock.
    """

    base: str
    path: str
    headers: Headers = ()
    token: TokenRequest | None = None
    decode: tuple[Callable[[bytes], bytes], ...] = ()
    absent: bool = True
    retried: frozenset[int] = frozenset()
    connection: str = "tcp"
    module: str = ""
    offline: bool = False

    def fetch(self, context: FetchContext) -> bytes | None:
        """The config of the service, asked with a token if it needs one. Raises FetchFailed, NeedsNetwork."""
        if context.settings.offline and not self.offline:
            raise NeedsNetwork(f"{self.base}{self.path}")
        from provision.fetch.http.client import Client, NotFoundError

        if self.module:
            context.running_system.load_module(self.module)
        client = Client(
            context.settings._replace(offline=False),
            context.log,
            connect=self._connect(context),
            needs_route=self.connection != "vsock",
            stop=context.stop,
        )
        token = bearer(self.base, self.token, client)
        request = Request(
            f"{self.base}{self.path}", (*self.headers, *token), retried=self.retried, direct=is_metadata(self.base)
        )
        try:
            raw = client.read(request, CONFIG_LIMIT)
        except NotFoundError as error:
            if self.absent:
                return None
            raise FetchFailed(error.url, error.cause, hint="was user data given to this machine?") from error
        for decode in self.decode:
            raw = _decoded(decode, raw, request)
        return raw

    def _connect(self, context: FetchContext) -> Connect:
        from provision.fetch.http import connections

        if self.connection == "vsock":
            # CID 2 is the host; Apple's Virtualization framework serves port 1024
            return lambda request: context.running_system.vsock(VSOCK_HOST, VSOCK_PORT, request.seconds)
        return connections.connect_from_privileged_port if self.connection == "privileged" else connections.connect

    def describe(self) -> str:
        """The URL, the headers, and the meaning of answers."""
        sent = [f"`{name}: {value}`" for name, value in self.headers]
        if self.token:
            sent.append(f"`{self.token.header}` from {self.token.method} `{self.token.path}`")
        with_headers = f" with {', '.join(sent)}" if sent else ""
        waits = ", ".join(map(str, sorted(self.retried)))
        notes = (
            *("decoded from base64" for _ in self.decode),
            *([] if self.absent else ["404 is an error"]),
            *([f"asked again at {waits}"] if waits else []),
        )
        in_brackets = f" ({', '.join(notes)})" if notes else ""
        return f"`{self.base}{self.path}`{CONNECTIONS.get(self.connection, '')}{with_headers}{in_brackets}"


class LinkLocal(NamedTuple):
    """A metadata service at an IPv6 link-local address, asked on every interface that is up."""

    path: str
    offline: bool = False

    def fetch(self, context: FetchContext) -> bytes | None:
        """Ask on all interfaces at once; the first answer counts. Raises FetchFailed, NeedsNetwork."""
        if context.settings.offline:
            raise NeedsNetwork(f"http://[fe80::a9fe:a9fe]{self.path}")
        with WaitReporter(
            "a network interface", Deadline(context.settings.http_total), context.log, context.stop
        ) as wait:
            names = self._interfaces(context, wait)
        every = tuple(Http(f"http://[fe80::a9fe:a9fe%25{name}]", self.path) for name in names)
        return Together(every).fetch(context)

    def _interfaces(self, context: FetchContext, wait: WaitReporter) -> list[str]:
        from provision.fetch.http import network

        network_time = context.settings.deadline(context.settings.network_wait)
        events = network.LinkEvents()
        try:
            while network_time.left() and not context.stop.is_set():
                names = [one.name for one in network.interfaces() if one.carrier]
                if names:
                    return names
                wait.explain(*network.why_not("fe80::a9fe:a9fe"), network_time)
                events.wait(POLL_SECONDS, context.stop)
        finally:
            events.close()
        raise FetchFailed(f"http://[fe80::a9fe:a9fe]{self.path}", "no network interface has a carrier")

    def describe(self) -> str:
        """The URL."""
        return f"`http://[fe80::a9fe:a9fe%INTERFACE]{self.path}`"


def bearer(base: str, token: TokenRequest | None, client: Client) -> Headers:
    """The header with the token that a service gives out, none if it needs none. Raises FetchFailed."""
    if token is None:
        return ()
    from provision.fetch.http.client import NotFoundError

    request = Request(f"{base}{token.path}", token.headers, method=token.method, direct=True)
    try:
        text = client.read(request).decode("ascii", "replace").strip()
    except NotFoundError:
        if token.optional:
            return ()
        raise
    if not text:
        raise FetchFailed(request.url, "the token is empty")
    return ((token.header, text),)


def is_metadata(base: str) -> bool:
    """Whether a URL's host is a metadata address or on this link: a proxy cannot reach it."""
    from provision.config.resources.urls import origin
    from provision.fetch.http import connections

    try:
        return connections.is_local_or_metadata(origin(base).host)
    except ValueError:
        return False


def _decoded(decode: Callable[[bytes], bytes], raw: bytes, request: Request) -> bytes:
    try:
        return decode(raw)
    except ValueError as error:
        raise FetchFailed(
            request.name,
            "the user data is not base64",
            hint="user data of this platform must be base64: encode it twice",
        ) from error


LEASES = (
    ("/run/systemd/netif/leases", "SERVER_ADDRESS="),
    ("/run/NetworkManager/devices", "dhcp_server_identifier="),
    ("/run/NetworkManager", "SERVER_ADDRESS="),
    ("/var/lib/NetworkManager", "SERVER_ADDRESS="),
    ("/var/lib/dhclient", "option dhcp-server-identifier "),
    ("/var/lib/dhcp", "option dhcp-server-identifier "),
)
"""Where DHCP clients keep their leases, and the text before the server's address in a lease."""


class DhcpServer(NamedTuple):
    """User data served by the DHCP server."""

    path: str
    offline: bool = False

    def fetch(self, context: FetchContext) -> bytes | None:
        """Wait for a lease, and ask the server that it names. Raises FetchFailed, NeedsNetwork."""
        if context.settings.offline:
            raise NeedsNetwork(f"http://DHCP-SERVER{self.path}")
        return Http(f"http://{dhcp_server(context)}", self.path).fetch(context)

    def describe(self) -> str:
        """The URL."""
        return f"`http://DHCP-SERVER{self.path}`"


def dhcp_server(context: FetchContext) -> str:
    """The address of the DHCP server, as soon as there is a lease. Raises FetchFailed if there is none in time."""
    network_time = context.settings.deadline(context.settings.network_wait)
    with WaitReporter("the address of the DHCP server", network_time, context.log, context.stop) as wait:
        wait.explain("there is no lease", "check the DHCP server", network_time)
        while network_time.left() and not context.stop.is_set():
            server = next(servers(context.running_system), None)
            if server:
                return server
            context.stop.wait(POLL_SECONDS)
    raise FetchFailed("DHCP", "there is no lease that names its server")


def servers(running_system: RunningSystem) -> Iterator[str]:
    """The addresses of the DHCP servers in all lease files."""
    for directory, mark in LEASES:
        for name in running_system.names(directory):
            if name.isdecimal() or name.endswith((".lease", ".leases")):
                lines = (line.strip() for line in running_system.read_text(f"{directory}/{name}").splitlines())
                yield from (line.removeprefix(mark).rstrip(";") for line in lines if line.startswith(mark))
