"""Resources: from what a config names to verified, decompressed bytes, streamed.

    fetcher = Fetcher(Settings(), log)
    fetcher.copy(file.contents, output)

Each scheme is one row of SCHEMES; the modules behind the rows are loaded when a resource asks for them.
"""

from __future__ import annotations

from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from provision.config.format import ClevisCustom, Config, Resource, Tang
from provision.config.model import Record
from provision.config.resources.content import ContentInvalid, inline_content
from provision.config.resources.urls import URL_HINT, is_url, redacted, scheme
from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.schemes.table import SCHEMES
from provision.fetch.settings import CONFIG_LIMIT, HEADER_SECONDS, FetchSettings
from provision.fetch.stop_event import StopEvent
from provision.log import Log, silent

if TYPE_CHECKING:
    from provision.fetch.http.client import Client


class Fetcher:
    """Fetches resources with one set of settings. Safe to use from several threads.

    `configured_by` gives the fetcher for what a config asks for (its proxies, timeouts and certificate authorities).
    `stop` is set when the results are not needed any more.
    """

    def __init__(
        self,
        settings: FetchSettings | None = None,
        log: Log = silent,
        bundles: dict[str, bytes] | None = None,
        stop: StopEvent | None = None,
    ) -> None:
        self.settings = settings = settings or FetchSettings()
        self.log = log
        self._client: Client | None = None
        self._bundles = {} if bundles is None else bundles
        self._stop = stop or StopEvent()
        self._lock = Lock()

    def cancel(self) -> None:
        """Stop all fetches, which fail then: their results are not needed any more."""
        self._stop.set()

    @property
    def client(self) -> Client:
        """The HTTP client, made when it is first asked for."""
        from provision.fetch.http.client import Client

        with self._lock:
            if self._client is None:
                self._client = Client(self.settings, self.log, stop=self._stop)
            return self._client

    def copy(self, resource: Resource, into: BinaryIO, limit: int = 0) -> None:
        """Write the bytes of a resource, decompressed and verified, in constant memory; `limit` 0 is any size.

        Raises FetchFailed, or NeedsNetwork while offline. What was written then must not be used.
        """
        if not is_remote(resource):
            into.write(_inline(resource))
            return
        name = redacted(resource.source or "")
        if self.settings.offline:
            raise NeedsNetwork(name)
        get = SCHEMES.get(scheme(resource.source or ""))
        if not is_url(resource.source or ""):
            raise FetchFailed(name, "unable to parse url", hint=URL_HINT)
        if get is None:
            raise FetchFailed(name, "unsupported source scheme", hint="use one of " + ", ".join(("data", *SCHEMES)))
        from provision.fetch.schemes.verified_writer import VerifiedWriter

        get(self.client, resource, VerifiedWriter(name, resource, into, limit))

    def read(self, resource: Resource, limit: int = CONFIG_LIMIT) -> bytes:
        """The bytes of a resource, at most `limit` of them. Raises as `copy`."""
        into = BytesIO()
        self.copy(resource, into, limit)
        return into.getvalue()

    def configured_by(self, config: Config) -> Fetcher:
        """The fetcher with the settings of a config. What it does not set has the default; known authorities are kept.

        Its certificate authorities are fetched now, each source once. Raises as `copy`.
        """
        asked, proxy = config.ignition.timeouts, config.ignition.proxy
        headers = asked.http_response_headers
        settings = self.settings._replace(
            http_total=float(asked.http_total or 0),
            http_response_headers=HEADER_SECONDS if headers is None else float(headers),
            http_proxy=proxy.http_proxy or "",
            https_proxy=proxy.https_proxy or "",
            no_proxy=proxy.no_proxy,
        )
        plain = self._with(settings)
        authorities = tuple(plain.bundle(one) for one in config.ignition.security.tls.certificate_authorities)
        return self._with(settings._replace(authorities=authorities)) if authorities else plain

    def _with(self, settings: FetchSettings) -> Fetcher:
        """A fetcher with these settings: this one if it has them, because its connections are open."""
        if settings == self.settings:
            return self
        return Fetcher(settings, self.log, self._bundles, self._stop)

    def bundle(self, resource: Resource) -> bytes:
        """Certificates in PEM form, fetched once for each source. Raises FetchFailed if they are not."""
        source = resource.source or ""
        if source not in self._bundles:
            self._bundles[source] = _checked(resource, self.read(resource))
        return self._bundles[source]


def _inline(resource: Resource) -> bytes:
    try:
        return inline_content(resource) or b""
    except ContentInvalid as error:
        raise FetchFailed(redacted(resource.source or ""), str(error)) from error


def _checked(resource: Resource, bundle: bytes) -> bytes:
    """The bundle. Raises FetchFailed if its certificates cannot be read."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=bundle.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError) as error:
        raise FetchFailed(
            redacted(resource.source or ""), "unable to decode PEM block", hint="a bundle holds PEM certificates only"
        ) from error
    return bundle


def needs_network(config: Config) -> bool:
    """Whether any resource, Tang server or custom Clevis pin of the config is reached over a network."""
    return _needs(config)


def _needs(record: Record) -> bool:
    if isinstance(record, Resource):
        return is_remote(record)
    if isinstance(record, Tang):
        return not record.advertisement
    if isinstance(record, ClevisCustom):
        return bool(record.needs_network)
    return any(_needs(one) for field, value in record.items() if field.record for one in _each(value))


def is_remote(resource: Resource) -> bool:
    """Whether the bytes of a resource come over a network."""
    return bool(resource.source) and scheme(resource.source or "") not in {"", "data"}


def _each(value: Record | tuple[Record, ...]) -> tuple[Record, ...]:
    return value if isinstance(value, tuple) else (value,)
