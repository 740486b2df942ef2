"""HTTP as a first boot needs it: waits for the network, tries again, says why, and does not trust redirects.

The rules (what is final, what is tried again, how long) are the reference implementation's; see
docs/decisions/0006-fetch.md for where ours are stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Lock
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

from provision import __version__
from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch import causes, dial, network, urls
from provision.fetch.causes import Cause
from provision.fetch.messages import NOT_FOUND, TOO_MANY, Headers, Reply, Request
from provision.fetch.patience import Deadline, Log, Vigil, now, pauses, retry_after

if TYPE_CHECKING:
    from provision.fetch.http import Wire

T = TypeVar("T")
Receive = Callable[[Iterator[bytes]], T]

IGNITION_VERSION = "2.26.0"
ACCEPT = "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1"
DEFAULT_HEADERS: Headers = (
    ("User-Agent", f"Ignition/{IGNITION_VERSION} provision/{__version__}"),
    ("Accept", ACCEPT),
    ("Accept-Encoding", "identity"),
)
"""Sent with every request. Servers of machine configs read format versions from Accept and User-Agent."""

GOOD = frozenset({200, 204})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
REDIRECT_LIMIT = 10
CONNECTIONS = 16
LOOK_EVERY = 5.0
"""Seconds after which the network is looked at again even without an event."""


class NotFoundError(FetchFailed):
    """The server answered 404: there is no such resource."""


class Settings(NamedTuple):
    """How to fetch. Seconds are floats; 0 is without limit. `authorities` are PEM bundles trusted besides the system's.

    `network_wait` bounds the wait for a network, which counts against no other limit.
    """

    http_total: float = 0.0
    http_response_headers: float = 10.0
    http_proxy: str = ""
    https_proxy: str = ""
    no_proxy: tuple[str, ...] = ()
    authorities: tuple[bytes, ...] = ()
    offline: bool = False
    platform: str = ""
    network_wait: float = 600.0

    def __repr__(self) -> str:
        return f"Settings(offline={self.offline}, platform={self.platform!r})"


class _Again(Exception):  # noqa: N818 - not an error: the attempt is worth repeating
    """An attempt failed in a way that may pass."""

    def __init__(self, cause: Cause, after: float = 0.0) -> None:
        super().__init__(cause.text)
        self.cause = cause
        self.after = after


class Client:
    """Makes requests by one set of settings. Safe to use from several threads.

    `connect` makes the connections; `stop` ends every wait of this client.
    """

    def __init__(
        self, settings: Settings, log: Log, connect: dial.Dial = dial.connect, stop: Event | None = None
    ) -> None:
        self.settings = settings
        self._log = log
        self._connect = connect
        self._stop = stop or Event()
        self._wires: dict[bool, Wire] = {}
        self._lock = Lock()

    def fetch(self, request: Request, receive: Receive[T]) -> T:
        """Hand the body of a good answer to `receive`, which may be called again from the start after a broken one.

        Raises NeedsNetwork while offline, NotFoundError on 404, FetchFailed on an answer that is final and when time is
        up.
        """
        if self.settings.offline:
            raise NeedsNetwork(urls.shown(request.url))
        deadline = Deadline(self.settings.http_total)
        with Vigil(urls.shown(request.url), deadline, self._log) as vigil:
            for attempt, pause in enumerate(pauses(), 1):
                self._await_route(request, deadline, vigil)
                self._log("info", f"{request.name}: attempt #{attempt}")
                try:
                    return self._attempt(request, receive, deadline)
                except _Again as again:
                    vigil.explain(again.cause.text, again.cause.remedy, deadline)
                    self._log("info", f"{request.method} error: {again.cause.text}")
                    self._pause(request, again, pause, deadline)
        raise AssertionError  # pauses() never ends

    def read(self, request: Request, limit: int = 1 << 20) -> bytes:
        """The body of a good answer as bytes, at most `limit` of them. Raises as `fetch`."""

        def receive(chunks: Iterator[bytes]) -> bytes:
            body = bytearray()
            for chunk in chunks:
                body += chunk
                if len(body) > limit:
                    raise FetchFailed(urls.shown(request.url), f"the answer is larger than {limit} bytes")
            return bytes(body)

        return self.fetch(request, receive)

    def _await_route(self, request: Request, deadline: Deadline, vigil: Vigil) -> None:
        """Wait until there is a way to the host. This time does not count: a slow DHCP server is no slow web server."""
        host = urls.origin(self._proxy(request) or request.url).host
        if self._connect is dial.connect_vsock or network.route_exists(host):
            return
        patience, began = Deadline(self.settings.network_wait), now()
        events = network.Events()
        try:
            while not network.route_exists(host):
                cause, remedy = network.why_not(host)
                vigil.explain(cause, remedy, patience)
                if not patience.left() or self._stop.is_set():
                    raise FetchFailed(urls.shown(request.url), f"no network: {cause}", hint=remedy)
                events.wait(min(LOOK_EVERY, patience.left()))
        finally:
            events.close()
            deadline.extend(now() - began)
            vigil.explain("no answer yet", "", deadline)

    def _attempt(self, request: Request, receive: Receive[T], deadline: Deadline) -> T:
        """One go, redirects included."""
        headers = _headers(request)
        url, guarded = request.url, False
        for _ in range(REDIRECT_LIMIT + 1):
            reply = self._ask(request._replace(url=url, headers=headers), deadline, guarded=guarded)
            try:
                if reply.status not in REDIRECTS or "Location" not in reply.headers:
                    return self._judge(request, reply, receive, deadline)
            finally:
                reply.close()
            target = _redirected(url, reply.headers["Location"])
            self._log("info", f"{request.name}: redirected to {urls.shown(target)}")
            if urls.origin(target) != urls.origin(url):
                headers, guarded = DEFAULT_HEADERS, not _is_inward(urls.origin(url).host)
            url = target
        raise FetchFailed(urls.shown(request.url), f"more than {REDIRECT_LIMIT} redirects")

    def _ask(self, request: Request, deadline: Deadline, *, guarded: bool) -> Reply:
        proxy = self._proxy(request)
        wire = self._wire(guarded=guarded and not proxy)
        connecting = deadline.within(dial.DIAL_TIMEOUT)
        headers = deadline.within(self.settings.http_response_headers)
        try:
            return wire.ask(request, proxy, connecting, headers)
        except ValueError as error:  # requests' InvalidURL, InvalidHeader
            raise FetchFailed(urls.shown(request.url), "unable to parse url or HTTP header") from error
        except OSError as error:  # requests.RequestException is one
            if any(isinstance(one, dial.RefusedError) for one in causes.chain(error)):
                raise FetchFailed(urls.shown(request.url), dial.REFUSAL) from error
            raise _Again(causes.explain(error)) from error

    def _judge(self, request: Request, reply: Reply, receive: Receive[T], deadline: Deadline) -> T:
        """What an answer means: a result, an end, or another go."""
        if reply.status in GOOD:
            self._log("info", f"{request.method} result: {reply.reason or 'OK'}")
            return receive(_watched(reply, deadline))
        told = _beginning(reply)
        cause = causes.status(reply.status, reply.reason, told)
        if reply.status in request.retried or reply.status == TOO_MANY or reply.status >= 500:
            raise _Again(cause, _asked_pause(reply))
        if reply.status == NOT_FOUND:
            raise NotFoundError(urls.shown(request.url), f"resource not found ({cause.text})", hint=cause.remedy)
        raise FetchFailed(urls.shown(request.url), f"failed to fetch resource: {cause.text}", hint=cause.remedy)

    def _pause(self, request: Request, again: _Again, pause: float, deadline: Deadline) -> None:
        seconds = retry_after(again.after, pause) if again.after else pause
        if seconds >= deadline.left():
            self._stop.wait(deadline.left())
            _out_of_time(request, again)
        if self._stop.wait(seconds):
            _out_of_time(request, again)

    def _proxy(self, request: Request) -> str:
        settings = self.settings
        if request.direct or not (settings.http_proxy or settings.https_proxy):
            return ""
        from provision.fetch import proxy

        return proxy.choose(request.url, settings.http_proxy, settings.https_proxy, settings.no_proxy)

    def _wire(self, *, guarded: bool) -> Wire:
        """The adapter for direct requests, or the one for where a redirect from elsewhere leads."""
        from provision.fetch import http

        with self._lock:
            if guarded not in self._wires:
                connect = dial.connect_guarded if guarded else self._connect
                self._wires[guarded] = http.Wire(connect, http.trust(self.settings.authorities), CONNECTIONS)
            return self._wires[guarded]


def _out_of_time(request: Request, again: _Again) -> NoReturn:
    raise FetchFailed(
        urls.shown(request.url),
        f"unable to fetch resource in time: {again.cause.text}",
        hint=again.cause.remedy,
    ) from again


def _headers(request: Request) -> Headers:
    """The default headers with the request's own laid over. A Host header does not change whom we talk to."""
    own = {name.lower(): (name, value) for name, value in request.headers if name.lower() != "host"}
    return (*(one for one in DEFAULT_HEADERS if one[0].lower() not in own), *own.values())


def _redirected(url: str, location: str) -> str:
    """Where a redirect leads. Raises FetchFailed if it may not be followed."""
    try:
        target = urls.target(url, location)
        source, sink = urls.origin(url), urls.origin(target)
    except ValueError as error:
        raise FetchFailed(urls.shown(url), "redirected to an unreadable URL") from error
    if sink.scheme not in urls.DEFAULT_PORTS:
        raise FetchFailed(urls.shown(url), f"redirected to {urls.shown(target)}, which is not http or https")
    if source.scheme == "https" and sink.scheme != "https":
        raise FetchFailed(urls.shown(url), f"redirected from https to http ({urls.shown(target)})")
    if _is_inward(sink.host) and not _is_inward(source.host):
        raise FetchFailed(urls.shown(url), f"redirected to {urls.shown(target)}, which {dial.REFUSAL}")
    return target


def _is_inward(host: str) -> bool:
    """Whether a host as written is on this machine or link. A name is judged when it has been resolved."""
    try:
        return host == "localhost" or dial.is_inward(host)
    except ValueError:
        return False


def _watched(reply: Reply, deadline: Deadline) -> Iterator[bytes]:
    """The body, as long as it comes and there is time. Only what the network does wrong becomes another go."""
    chunks = reply.chunks()
    while True:
        try:
            chunk = next(chunks, b"")
        except Exception as error:
            raise _Again(causes.explain(error)) from error
        if not chunk:
            return
        if not deadline.left():
            raise _Again(Cause("the body did not arrive in time"))
        yield chunk


def _beginning(reply: Reply) -> bytes:
    """The first bytes of an error's body; nothing if they do not come."""
    try:
        return next(reply.chunks(), b"")[: causes.TELLING_BYTES]
    except Exception:  # noqa: BLE001 - the status is the message; the body is only a help
        return b""


def _asked_pause(reply: Reply) -> float:
    """The seconds of Retry-After, which is a number or a date (RFC 9110, 10.2.3); 0 if there is none."""
    asked = reply.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    if not asked:
        return 0.0
    from email.utils import mktime_tz, parsedate_tz

    date, here = parsedate_tz(asked), parsedate_tz(reply.headers.get("Date", ""))
    return float(max(0, mktime_tz(date) - mktime_tz(here))) if date and here else 0.0
