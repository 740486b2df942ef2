"""An HTTP client that waits for the network, tries again, reports why it waits, and restricts redirects.

The rules (what is final, what is tried again, how long) are Ignition's; docs/decisions/0006-fetch.md lists where ours
are stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from provision import IGNITION_VERSION, __version__
from provision.config.model import masked
from provision.config.resources import urls
from provision.config.resources.urls import redacted
from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.http import connections, error_texts, network, redaction, redirects
from provision.fetch.http.connections import Connect
from provision.fetch.http.error_texts import Cause
from provision.fetch.http.http_types import (
    NOT_FOUND,
    TOO_MANY,
    Headers,
    HeadersTooLargeError,
    ProxyRefusedError,
    Reply,
    Request,
)
from provision.fetch.retry import Deadline, Report, WaitReporter, now, pauses, retry_after
from provision.fetch.settings import FetchSettings
from provision.fetch.stop_event import StopEvent
from provision.log import Log

if TYPE_CHECKING:
    from provision.fetch.http.transport import Transport

T = TypeVar("T")
Receive = Callable[[Iterator[bytes]], T]
Take = Callable[[Mapping[str, str], Iterator[bytes]], T]
Attempt = Callable[[Deadline, WaitReporter], T]

ACCEPT = "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1"
DEFAULT_HEADERS: Headers = (
    ("User-Agent", f"Ignition/{IGNITION_VERSION} provision/{__version__}"),
    ("Accept", ACCEPT),
    ("Accept-Encoding", "identity"),
)
"""Sent with every request. Servers of machine configs read format versions from Accept and User-Agent."""

CONNECTIONS = 24
POLL_SECONDS = 5.0
"""Seconds after which the network is checked again even without an event of the kernel."""

PROXY_CREDENTIALS = 407
NO_CREDENTIALS = frozenset({401, PROXY_CREDENTIALS})
"""The statuses of a proxy that wants other credentials: tinyproxy says 401."""

ERROR_SECONDS = 5.0
"""How many seconds the client waits for the body of an error."""


class NotFoundError(FetchFailed):
    """The server answered 404: there is no such resource."""


class RetryableError(Exception):
    """An attempt failed, and another one may succeed. `after` is how many seconds the server asks to wait, or 0."""

    def __init__(self, cause: Cause, after: float = 0.0) -> None:
        super().__init__(cause.text)
        self.cause = cause
        self.after = after


class Client:
    """Makes requests with one set of settings. Safe to use from several threads.

    `connect` makes connections. `needs_route` is False if the host is reached without an IP route (vsock). `stop` ends
    every wait of this client.
    """

    def __init__(
        self,
        settings: FetchSettings,
        log: Log,
        *,
        connect: Connect = connections.connect,
        needs_route: bool = True,
        stop: StopEvent | None = None,
    ) -> None:
        self.settings = settings
        self.log = log
        self._connect = connect
        self._needs_route = needs_route
        self.stop = stop or StopEvent()
        self._transports: dict[tuple[bool, bool], Transport] = {}
        self._lock = Lock()

    def fetch(self, request: Request, receive: Receive[T]) -> T:
        """Call `receive` with the body of a good answer; if the body breaks off, call it again with a new one.

        Raises NeedsNetwork while offline, NotFoundError on 404, FetchFailed on another final answer or when time is up.
        """
        return self._exchange(request, lambda _headers, chunks: receive(chunks))

    def header(self, request: Request, name: str) -> str:
        """One header of a good answer, empty if it is not there. Raises as `fetch`."""
        return self._exchange(request, lambda headers, _chunks: headers.get(name, ""))

    def _exchange(self, request: Request, take: Take[T]) -> T:
        host = self._first_host(request)
        if not self.settings.offline:
            _http()  # now, while the network may still be coming up

        def attempt(deadline: Deadline, wait: WaitReporter) -> T:
            return self._attempt(request, take, deadline, wait)

        return self.with_retries(request.url, host, request.method, attempt)

    def with_retries(self, url: str, host: str, verb: str, attempt: Attempt[T]) -> T:
        """The result of `attempt`, which is called again while it raises RetryableError and there is time.

        Each attempt waits for a route to `host` first. Time without a network does not count, up to `network_wait`.

        Raises NeedsNetwork while offline, FetchFailed when time is up.
        """
        if self.settings.offline:
            raise NeedsNetwork(redacted(url))
        deadline, network_time = self.settings.deadline(self.settings.http_total), self.settings.network_wait
        with WaitReporter(redacted(url), deadline, self.log, self.stop) as wait:
            for number, pause in enumerate(pauses(), 1):
                self._await_route(host, url, deadline, wait)
                self.log("info", f"{verb} {redacted(url)}: attempt #{number}")
                began = now()
                try:
                    return attempt(deadline, wait)
                except RetryableError as error:
                    self.raise_if_stopped(url)
                    wait.explain(error.cause.text, error.cause.remedy, deadline)
                    self.log("info", f"{verb} error: {error.cause.text}")
                    if error.cause.is_no_network:
                        lost = min(now() - began + pause, network_time)
                        deadline.extend(lost)
                        network_time -= lost
                    self._pause(url, error, pause, deadline)
        raise AssertionError  # pauses() never ends

    def with_total_limit(self, seconds: float) -> Client:
        """A copy of this client that gives up after `seconds`, for a service that may not exist."""
        settings = self.settings._replace(http_total=min(self.settings.http_total or seconds, seconds))
        return Client(settings, self.log, stop=self.stop)

    def read(self, request: Request, limit: int = 1 << 20) -> bytes:
        """The body of a good answer as bytes, at most `limit` of them. Raises as `fetch`."""

        def receive(chunks: Iterator[bytes]) -> bytes:
            body = bytearray()
            for chunk in chunks:
                body += chunk
                if len(body) > limit:
                    raise FetchFailed(redacted(request.url), f"the answer is larger than {limit} bytes")
            return bytes(body)

        return self.fetch(request, receive)

    def _await_route(self, host: str, url: str, deadline: Deadline, wait: WaitReporter) -> None:
        """Wait until there is a route to a host. The deadline is extended by this time, as the server is not slow.

        Raises FetchFailed if there is no route within `network_wait`.
        """
        if not self._needs_route or network.route_exists(host, self.stop):
            return
        network_time, began = self.settings.deadline(self.settings.network_wait), now()
        events = network.LinkEvents()
        try:
            while not network.route_exists(host, self.stop):
                cause, remedy = network.why_not(host)
                wait.explain(cause, remedy, network_time)
                self.raise_if_stopped(url)
                if not network_time.left():
                    raise FetchFailed(redacted(url), f"no network: {cause}", hint=remedy)
                events.wait(min(POLL_SECONDS, network_time.left()), self.stop)
        finally:
            events.close()
            deadline.extend(now() - began)
            wait.forget()

    def _attempt(self, request: Request, take: Take[T], deadline: Deadline, wait: WaitReporter) -> T:
        """One attempt, redirects included."""
        headers = _headers(request)
        url, guarded, visited = request.url, False, [request.url]
        while len(visited) <= redirects.LIMIT + 1:
            step = request._replace(url=url, headers=headers, shown=request.shown or request.url)
            reply = self._ask(step, deadline, wait.doing, guarded=guarded)
            try:
                if not redirects.is_redirect(request, reply):
                    return self._handle(step, reply, take, deadline, wait)
            finally:
                reply.close()
            target = redirects.target(step, reply.headers["Location"])
            self.log("info", f"{request.name}: redirected to {redirects.without_path(target)}")
            if urls.origin(target) != urls.origin(url):
                guarded = not redirects.is_local_or_metadata(urls.origin(url).host)
            url, headers = target, DEFAULT_HEADERS  # Ignition does not send a config's headers to a redirect either
            visited.append(url)
        raise redirects.too_many(request, visited)

    def _ask(self, request: Request, deadline: Deadline, report: Report, *, guarded: bool) -> Reply:
        proxy = self._proxy(request)
        tls = "https" in {urls.scheme(request.url), urls.scheme(proxy)}
        transport = self._transport(guarded=guarded and not proxy, tls=tls)
        connecting = deadline.within(connections.CONNECT_TIMEOUT)
        headers = deadline.within(self.settings.http_response_headers)
        try:
            reply = transport.exchange(request, proxy, connecting, headers, report)
        except ValueError as error:  # a URL or a header that http.client or urllib3 refuses
            raise FetchFailed(request.shown_url, "unable to parse url or HTTP header", hint=urls.URL_HINT) from error
        except OSError as error:
            raise _not_answered(request, proxy, error) from error
        return reply._replace(secrets=lambda: redaction.secrets(request, proxy, DEFAULT_HEADERS))

    def _handle(self, request: Request, reply: Reply, take: Take[T], deadline: Deadline, wait: WaitReporter) -> T:
        """The result of an answer. Raises FetchFailed if it is final, RetryableError if another attempt may succeed."""
        if reply.status in request.accepted:
            self.log("info", f"{request.method} result: {reply.reason or 'OK'}")
            return take(reply.headers, self._watched(request, reply, deadline, wait))
        cause = error_texts.status(reply.status, *_reason_and_body(reply, deadline))
        if reply.status in redirects.STATUSES:
            cause = Cause(f"a redirect without a Location: {cause.text}", redirects.REMEDY)
        elif reply.status == PROXY_CREDENTIALS and (proxy := self._proxy(request)):
            raise _refused_by_proxy(request, proxy, reply.status, cause)
        if reply.status in request.retried or reply.status == TOO_MANY or reply.status >= 500:
            raise RetryableError(cause, _retry_after_seconds(reply))
        if reply.status == NOT_FOUND:
            raise NotFoundError(request.shown_url, f"resource not found ({cause.text})", hint=cause.remedy)
        raise FetchFailed(request.shown_url, f"failed to fetch resource: {cause.text}", hint=cause.remedy)

    def _watched(self, request: Request, reply: Reply, deadline: Deadline, wait: WaitReporter) -> Iterator[bytes]:
        """The body in parts, as it arrives. Raises RetryableError if the network or the server fails."""
        chunks, size = reply.chunks(deadline), 0
        while True:
            try:
                chunk = next(chunks, b"")
            except TimeoutError as error:
                told = f"the body is not complete ({size} bytes arrived)"
                raise RetryableError(Cause(told, "is the network overloaded, or the server?")) from error
            except Exception as error:
                raise RetryableError(error_texts.explain(error)) from error
            self.raise_if_stopped(request.url)  # a stop also ends a body without a length, as its true end does
            if not chunk:
                return
            size += len(chunk)
            wait.progress(size)
            yield chunk

    def raise_if_stopped(self, url: str) -> None:
        """Raise FetchFailed if this client was stopped."""
        if self.stop.is_set():
            raise FetchFailed(redacted(url), "stopped, because something else failed")

    def _pause(self, url: str, error: RetryableError, pause: float, deadline: Deadline) -> None:
        left = deadline.left()
        seconds = retry_after(error.after, pause, left) if error.after else pause
        self.stop.wait(min(seconds, left))
        self.raise_if_stopped(url)
        if not deadline.left():
            cause, remedy = error.cause.text, error.cause.remedy
            raise FetchFailed(redacted(url), f"unable to fetch resource in time: {cause}", hint=remedy) from error

    def _first_host(self, request: Request) -> str:
        """The host that a request is sent to: the proxy's if it goes through one."""
        try:
            return urls.origin(self._proxy(request) or request.url).host
        except ValueError as error:
            told = "unable to parse url, or that of the proxy"
            raise FetchFailed(redacted(request.url), told, hint=urls.URL_HINT) from error

    def _proxy(self, request: Request) -> str:
        settings = self.settings
        if request.direct or not (settings.http_proxy or settings.https_proxy):
            return ""
        from provision.fetch.http import proxy

        return proxy.choose(request.url, settings.http_proxy, settings.https_proxy, settings.no_proxy)

    def _transport(self, *, guarded: bool, tls: bool) -> Transport:
        """The transport for requests; with `guarded` the one for redirects to other hosts, with `tls` one for TLS."""
        http = _http()
        with self._lock:
            if (guarded, tls) not in self._transports:
                connect = connections.connect_guarded if guarded else self._connect
                context = http.trust(self.settings.authorities) if tls else None
                self._transports[guarded, tls] = http.Transport(connect, context, CONNECTIONS, self.stop)
            return self._transports[guarded, tls]


def _http() -> ModuleType:
    """The module that uses the HTTP library. Loading it takes 25 ms. Raises FetchFailed if it is not installed."""
    try:
        from provision.fetch.http import transport as http
    except ImportError as error:
        raise FetchFailed("http", f"not available: {error}", hint="install the Python package urllib3") from error
    return http


def _not_answered(request: Request, proxy: str, error: OSError) -> FetchFailed | RetryableError:
    """The failure of a request without an answer: FetchFailed if it is final, RetryableError if not."""
    for one in error_texts.chain(error):
        if isinstance(one, connections.RefusedError):
            return FetchFailed(request.shown_url, connections.REFUSAL, hint=redirects.INWARD_REMEDY)
        if isinstance(one, HeadersTooLargeError):
            return FetchFailed(request.shown_url, str(one), hint=error_texts.LARGE_HEADERS_REMEDY)
        if isinstance(one, ProxyRefusedError):
            cause = error_texts.status(one.status, one.reason, b"")
            if one.status == TOO_MANY or one.status >= 500:
                return RetryableError(cause._replace(text=_proxy_refuses(proxy, cause)))
            return _refused_by_proxy(request, proxy, one.status, cause)
    cause = error_texts.explain(error)
    if not proxy:
        return RetryableError(cause)
    remedy = (
        f"{cause.remedy} (see {_proxy_setting(request)})" if cause.remedy in error_texts.UNREACHED else cause.remedy
    )
    return RetryableError(cause._replace(text=f"through the proxy {redacted(proxy)}: {cause.text}", remedy=remedy))


def _refused_by_proxy(request: Request, proxy: str, status: int, cause: Cause) -> FetchFailed:
    """The failure of a request that a proxy refuses for ever. The remedy names the setting."""
    setting = _proxy_setting(request)
    remedy = f"allow the host in the proxy, or add it to ignition.proxy.noProxy (the proxy is that of {setting})"
    if status in NO_CREDENTIALS:
        has_user = "@" in urls.authority(proxy)
        remedy = f"{'correct' if has_user else 'add'} user and password in the URL of {setting}"
    return FetchFailed(request.shown_url, _proxy_refuses(proxy, cause), hint=remedy)


def _proxy_refuses(proxy: str, cause: Cause) -> str:
    return f"the proxy {redacted(proxy)} refuses: {cause.text}"


def _proxy_setting(request: Request) -> str:
    """The field of the config that names the proxy for a request."""
    return f"ignition.proxy.{urls.scheme(request.url)}Proxy"


def _headers(request: Request) -> Headers:
    """The default headers, replaced by the request's own where they have the same name; a Host header is dropped."""
    own = {name.lower(): (name, value) for name, value in request.headers if name.lower() != "host"}
    return (*(one for one in DEFAULT_HEADERS if one[0].lower() not in own), *own.values())


def _reason_and_body(reply: Reply, deadline: Deadline) -> tuple[str, bytes]:
    """The reason of an error and the beginning of its body, in which secrets of the request are masked."""
    secrets = reply.secrets()
    body = _first_bytes(reply, deadline, error_texts.TELLING_BYTES + max(map(len, secrets), default=0))
    return masked(reply.reason, secrets), masked(body.decode("utf-8", "replace"), secrets).encode()


def _first_bytes(reply: Reply, deadline: Deadline, size: int) -> bytes:
    """At most `size` first bytes of an error's body; fewer if no more arrive in time."""
    told = b""
    with suppress(Exception):  # the body only adds to the message
        for chunk in reply.chunks(deadline.sooner(ERROR_SECONDS)):
            told += chunk
            if len(told) >= size:
                break
    return told


def _retry_after_seconds(reply: Reply) -> float:
    """The seconds of Retry-After, which is a number or a date (RFC 9110, 10.2.3); 0 if there is none."""
    asked = reply.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    if not asked:
        return 0.0
    from email.utils import mktime_tz, parsedate_tz

    date, here = parsedate_tz(asked), parsedate_tz(reply.headers.get("Date", ""))
    with suppress(ValueError, OverflowError):  # a date that does not exist
        return float(max(0, mktime_tz(date) - mktime_tz(here))) if date and here else 0.0
    return 0.0
