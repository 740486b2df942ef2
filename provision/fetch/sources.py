"""The few ways in which platforms hand over a config: frozen values with one method, `fetch`.

A source gives the bytes it has, or None where there is no config, which on most platforms is nothing wrong.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.ground import Ground
from provision.fetch.messages import Headers, Request
from provision.fetch.patience import Deadline, Vigil
from provision.fetch.settings import CONFIG_LIMIT, Settings
from provision.journal import Log

if TYPE_CHECKING:
    from threading import Event

    from provision.fetch.client import Client

LOOK_EVERY = 1.0
"""Seconds after which a drive is looked for even if no event announced it."""


class Site(NamedTuple):
    """Where a source works. `stop` is set when another source was faster.

    `handed` takes what the platform hands over only once a boot, under the path it has in the installed system; what an
    earlier stage was handed is there already.
    """

    ground: Ground
    settings: Settings
    log: Log
    stop: Event
    handed: dict[str, bytes]


class Source(Protocol):
    """A way to a config."""

    @property
    def offline(self) -> bool:
        """Whether it works without a network."""
        ...

    def fetch(self, site: Site) -> bytes | None:
        """The bytes of the config, None if there is none. Raises FetchFailed or NeedsNetwork."""
        ...

    def describe(self) -> str:
        """Where the config is, in a line of Markdown."""
        ...


class Nothing(NamedTuple):
    """A platform that has no config of its own."""

    offline: bool = True

    def fetch(self, _site: Site) -> bytes | None:
        """None."""
        return None

    def describe(self) -> str:
        """A sentence."""
        return "none: the config comes by kernel argument or lies in the system"


class Token(NamedTuple):
    """A request whose answer is sent along as a header. Where it gives 404, the service wants no token."""

    path: str
    headers: Headers
    header: str
    method: str = "PUT"
    optional: bool = False


WAYS = {"privileged": " from a local port below 1024", "vsock": " over vsock, CID 2, port 1024"}
"""How unusual connections are described."""


class Http(NamedTuple):
    """A metadata service. `absent` says whether 404 means "no config"; `retried` are statuses that mean "not yet"."""

    base: str
    path: str
    headers: Headers = ()
    token: Token | None = None
    decode: tuple[Callable[[bytes], bytes], ...] = ()
    absent: bool = True
    retried: frozenset[int] = frozenset()
    way: str = "tcp"
    module: str = ""
    offline: bool = False

    def fetch(self, site: Site) -> bytes | None:
        """Ask the service, with a token if it wants one."""
        if site.settings.offline and not self.offline:
            raise NeedsNetwork(f"{self.base}{self.path}")
        from provision.fetch.client import Client, NotFoundError

        if self.module:
            site.ground.load_module(self.module)
        client = Client(site.settings._replace(offline=False), site.log, self.way, site.stop)
        token = self._token(client)
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

    def _token(self, client: Client) -> Headers:
        if self.token is None:
            return ()
        from provision.fetch.client import NotFoundError

        request = Request(f"{self.base}{self.token.path}", self.token.headers, method=self.token.method, direct=True)
        try:
            token = client.read(request).decode("ascii", "replace").strip()
        except NotFoundError:
            if self.token.optional:
                return ()
            raise
        if not token:
            raise FetchFailed(request.url, "the token is empty")
        return ((self.token.header, token),)

    def describe(self) -> str:
        """The URL, what is sent along, and what answers mean."""
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
        return f"`{self.base}{self.path}`{WAYS.get(self.way, '')}{with_headers}{in_brackets}"


class LinkLocal(NamedTuple):
    """A metadata service at an IPv6 link-local address, asked on every interface that is up."""

    path: str
    offline: bool = False

    def fetch(self, site: Site) -> bytes | None:
        """Ask on all interfaces at once; the first answer wins."""
        if site.settings.offline:
            raise NeedsNetwork(f"http://[fe80::a9fe:a9fe]{self.path}")
        with Vigil("a network interface", Deadline(site.settings.http_total), site.log, site.stop) as vigil:
            names = self._interfaces(site, vigil)
        every = tuple(Http(f"http://[fe80::a9fe:a9fe%25{name}]", self.path) for name in names)
        return Together(every).fetch(site)

    def _interfaces(self, site: Site, vigil: Vigil) -> list[str]:
        from provision.fetch import network

        patience = Deadline(site.settings.network_wait)
        events = network.Events()
        try:
            while patience.left() and not site.stop.is_set():
                names = [one.name for one in network.interfaces() if one.carrier]
                if names:
                    return names
                vigil.explain(*network.why_not("fe80::a9fe:a9fe"), patience)
                events.wait(LOOK_EVERY)
        finally:
            events.close()
        raise FetchFailed(f"http://[fe80::a9fe:a9fe]{self.path}", "no network interface has a carrier")

    def describe(self) -> str:
        """The URL."""
        return f"`http://[fe80::a9fe:a9fe%INTERFACE]{self.path}`"


class ConfigFile(NamedTuple):
    """The file that the environment names, for tests and for people."""

    offline: bool = True

    def fetch(self, site: Site) -> bytes | None:
        """Read the file; one that is missing is an error."""
        path = site.ground.places.config_file
        raw = site.ground.read(path)
        if raw is None:
            raise FetchFailed(path, "no such file", hint="name the config in IGNITION_CONFIG_FILE")
        return raw

    def describe(self) -> str:
        """The variable."""
        return "file named by `IGNITION_CONFIG_FILE`, else `config.ign` in the working directory"


class Ask(NamedTuple):
    """An interface of a hypervisor that takes a conversation; `about` describes it."""

    ask: Callable[[Site], bytes | None]
    about: str
    offline: bool = True

    def fetch(self, site: Site) -> bytes | None:
        """Have the conversation."""
        return self.ask(site)

    def describe(self) -> str:
        """What was said about it."""
        return self.about


class FirstOf(NamedTuple):
    """Sources in order: the next one is asked if one has no config."""

    sources: tuple[Source, ...]

    @property
    def offline(self) -> bool:
        """Whether the first works without a network."""
        return self.sources[0].offline

    def fetch(self, site: Site) -> bytes | None:
        """The first config there is."""
        return next((raw for raw in (source.fetch(site) for source in self.sources) if raw), None)

    def describe(self) -> str:
        """All, in order."""
        return "; else ".join(source.describe() for source in self.sources)


class Together(NamedTuple):
    """Sources asked at the same time: the first answer wins, and a failure does not end the others."""

    sources: tuple[Source, ...]

    @property
    def offline(self) -> bool:
        """Whether all work without a network."""
        return all(source.offline for source in self.sources)

    def fetch(self, site: Site) -> bytes | None:
        """Race. If all fail the failure names the last cause of each."""
        import threading

        from provision.fetch.race import first_answer

        if site.settings.offline and not self.offline:
            return next(source for source in self.sources if not source.offline).fetch(site)  # which asks for one
        stop = threading.Event()
        ways = [source.fetch for source in self.sources]
        return first_answer(ways, site._replace(stop=stop), stop, site.settings.grace)

    def describe(self) -> str:
        """All of them."""
        return "at once: " + "; ".join(source.describe() for source in self.sources)


def site(ground: Ground, settings: Settings, log: Log, handed: dict[str, bytes] | None = None) -> Site:
    """Where a source works that nobody else races against."""
    from threading import Event

    return Site(ground, settings, log, Event(), {} if handed is None else handed)


def together(*sources: Source) -> Together:
    """Sources asked at the same time."""
    return Together(sources)


def first_of(*sources: Source) -> FirstOf:
    """Sources asked one after the other."""
    return FirstOf(sources)


def base64(raw: bytes) -> bytes:
    """Decode base64; line breaks are allowed. Raises ValueError."""
    return a2b_base64(b"".join(raw.split()), strict_mode=True)


def is_metadata(base: str) -> bool:
    """Whether a URL's host is on this link, so that no proxy can help."""
    from provision.fetch import dial
    from provision.fetch.urls import origin

    try:
        return dial.is_inward(origin(base).host)
    except ValueError:
        return False


def _decoded(decode: Callable[[bytes], bytes], raw: bytes, request: Request) -> bytes:
    try:
        return decode(raw)
    except ValueError as error:
        raise FetchFailed(
            request.name, "the user data is not base64", hint="this platform hands over base64: encode it twice"
        ) from error
