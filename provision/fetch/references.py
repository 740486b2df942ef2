"""A config together with the configs it names: `ignition.config.merge` and `replace`, depth first, the child wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha512
from typing import NamedTuple

from provision.config.format import Config, ConfigResource, HttpHeader, IgnitionConfig
from provision.config.merge import merge
from provision.config.model import NEWEST, Secret
from provision.config.problems import Path, Problem, dotted
from provision.config.resources.data_urls import base64_encoded
from provision.config.resources.urls import path_of, redacted, scheme
from provision.config.rules import check_rules
from provision.failures import ConfigInvalid, FetchFailed
from provision.fetch.resources import Fetcher
from provision.fetch.settings import CONFIG_LIMIT
from provision.fetch.user_data.reading import log_findings, read_config
from provision.log import Log

ReadOem = Callable[[str], bytes | None]
"""Returns a file of the OEM partition, by its path there; None if there is none. Raises FetchFailed."""

OLD_ACCEPT = (
    "application/vnd.coreos.ignition+json; version=2.4.0, "
    "application/vnd.coreos.ignition+json; version=1; q=0.5, */*; q=0.1"
)
"""Source: coreos/ignition 0.35, `internal/resource/url.go`."""

DEPTH_LIMIT = 16
"""How many configs may lead to one another."""

CONFIG_COUNT_LIMIT = 256
"""How many configs a config may lead to in all."""

MERGED = "merged config"


class Fetched(NamedTuple):
    """A config that was used, for the state file and the journal: `source` is a platform's name or a URL's path."""

    kind: str
    source: str
    referenced: bool


class ReferencedConfig(NamedTuple):
    """A referenced config as it was fetched.

    `source` is its redacted URL, or the place of its data URL. `embedded` are the paths of the references that lead to
    it from the given config, if all of them are data URLs; else it is empty.
    """

    source: str
    raw: bytes
    config: Config
    embedded: tuple[Path, ...] = ()


class _Way(NamedTuple):
    """How a config was reached: the digests of those that led to it with its own, its name, and its `embedded`.

    The name of the given config is empty. `embedded` is None if a config on the way was fetched.
    """

    digests: tuple[str, ...] = ()
    name: str = ""
    embedded: tuple[Path, ...] | None = ()

    def to(self, path: Path, url: str) -> _Way:
        """The way to a config that this one names at a path."""
        if scheme(url) != "data":
            return self._replace(name=redacted(url), embedded=None)
        name = f"{dotted(path)} of {self.name}" if self.name else dotted(path)
        return self._replace(name=name, embedded=None if self.embedded is None else (*self.embedded, path))


class Rendered(NamedTuple):
    """A whole config, the fetcher it asks for, and the configs that went into it; later `parts` win.

    `problems` are those of the whole that none of its parts has.
    """

    config: Config
    fetcher: Fetcher
    fetched: tuple[Fetched, ...]
    parts: tuple[ReferencedConfig, ...] = ()
    problems: tuple[Problem, ...] = ()

    def validated(self, log: Log) -> Rendered:
        """Itself; `problems` are logged. Raises ConfigInvalid if one of them is an error."""
        if self.problems:
            _log_merged(self.problems, log)
        if any(problem.fatal for problem in self.problems):
            raise ConfigInvalid(self.problems, source=MERGED)
        return self


def render(config: Config, fetcher: Fetcher, log: Log, read_oem: ReadOem | None = None) -> Rendered:
    """Merge the configs that a config names, and turn its certificate authorities into data URLs.

    The result is not validated yet. `read_oem` returns a file of the OEM partition, which configs of version 2.x may
    name; None if there is none. Raises FetchFailed, NeedsNetwork, ConfigEmpty, ConfigInvalid.
    """
    rendering = _Rendering(log, read_oem)
    config = rendering.with_oem_files(config)
    whole, fetcher = rendering.rendered(config, fetcher.configured_by(config), _Way())
    fetcher = fetcher.configured_by(whole)
    whole = _with_inline_authorities(whole, fetcher)
    problems: tuple[Problem, ...] = ()
    if whole.older is not None:
        whole = _converted(whole, log)
    elif rendering.parts:
        problems = tuple(_new_problems(whole, [config, *(part.config for part in rendering.parts)]))
    return Rendered(whole, fetcher, tuple(rendering.fetched), tuple(rendering.parts), problems)


class _Rendering:
    """The walk through all references: it remembers what was fetched."""

    def __init__(self, log: Log, read_oem: ReadOem | None) -> None:
        self.fetched: list[Fetched] = []
        self.parts: list[ReferencedConfig] = []
        self._log = log
        self._read_oem = read_oem

    def with_oem_files(self, config: Config) -> Config:
        """The config with the bytes of the files of the OEM partition that it names."""
        if config.older is None:
            return config
        from provision.fetch.schemes.oem import with_oem_files

        return with_oem_files(config, self._read_oem)

    def rendered(self, config: Config, fetcher: Fetcher, way: _Way) -> tuple[Config, Fetcher]:
        """A config with its references merged. `way` led here.

        Each referenced config is fetched with the settings of what is known by then, as Ignition does.
        """
        references = config.ignition.config
        if references.replace.source is not None:
            return self._replaced(_asked_as_before(references.replace, config), fetcher, way)
        for index, reference in enumerate(references.merge):
            path = ("ignition", "config", "merge", index)
            asked = _asked_as_before(reference, config)
            child, below = self._get(asked, fetcher, way.to(path, reference.source or ""))
            fetcher = fetcher.configured_by(_joined(config, child))
            child, fetcher = self.rendered(child, fetcher, below)
            config = _joined(config, child)
        return config, fetcher

    def _replaced(self, reference: ConfigResource, fetcher: Fetcher, way: _Way) -> tuple[Config, Fetcher]:
        path = ("ignition", "config", "replace")
        child, below = self._get(reference, fetcher, way.to(path, reference.source or ""))
        return self.rendered(child, fetcher.configured_by(child), below)

    def _get(self, reference: ConfigResource, fetcher: Fetcher, way: _Way) -> tuple[Config, _Way]:
        """The referenced config to which `way` leads, and the way with its digest."""
        source, above = way.name, way.digests
        if len(above) >= DEPTH_LIMIT or len(self.fetched) >= CONFIG_COUNT_LIMIT:
            raise FetchFailed(
                source, f"configs are nested deeper than {DEPTH_LIMIT}, or more than {CONFIG_COUNT_LIMIT} in number"
            )
        raw = fetcher.read(reference, CONFIG_LIMIT)
        digest = sha512(raw).hexdigest()
        if digest in above:
            raise FetchFailed(
                source, "the config leads to itself", hint="remove the merge or replace that closes the circle"
            )
        self._log("debug", f"fetched referenced config from {source} with SHA512: {digest}")
        self.fetched.append(Fetched("user", path_of(reference.source or ""), referenced=True))
        config = self.with_oem_files(read_config(raw, source, self._log, fetcher.settings.unzstd))
        self.parts.append(ReferencedConfig(source, raw, config, way.embedded or ()))
        return config, way._replace(digests=(*above, digest))


def _asked_as_before(reference: ConfigResource, config: Config) -> ConfigResource:
    """What a config refers to. One of version 2.x asks servers for such a config, as Ignition 2.x does."""
    if config.older is None or any(one.name.lower() == "accept" for one in reference.http_headers):
        return reference
    accept = HttpHeader(name="Accept", value=Secret(OLD_ACCEPT))
    return reference.changed(http_headers=(accept, *reference.http_headers))


def _joined(config: Config, child: Config) -> Config:
    """The child merged over the config; configs of version 2.x are appended to each other."""
    if config.older is None or child.older is None:
        return merge(config, child)
    from provision.config.old_versions.append import append_config
    from provision.config.old_versions.conversion import convert

    return convert(append_config(config.older, child.older)).config


def _converted(whole: Config, log: Log) -> Config:
    """A whole config of version 2.x without what only such configs have. Raises ConfigInvalid.

    Its rules were checked in each of its parts. Those of version 3 do not hold for it.
    """
    from provision.config.old_versions.conversion import convert

    conversion = convert(whole.older)
    if conversion.problems:
        _log_merged(conversion.problems, log)
        raise ConfigInvalid(conversion.problems, source=MERGED)
    ignition = whole.ignition.changed(config=IgnitionConfig())
    return conversion.config.changed(ignition=ignition, older=None)


def _new_problems(whole: Config, parts: Sequence[Config]) -> Iterator[Problem]:
    """The problems of a merged config, without the warnings that one of its parts has, too."""
    problems = tuple(check_rules(whole, NEWEST))
    if not problems:
        return
    reported = {one.message for part in parts for one in check_rules(part, NEWEST)}
    yield from (one for one in problems if one.fatal or one.message not in reported)


def _log_merged(problems: Iterable[Problem], log: Log) -> None:
    from provision.config.reports.findings import Finding

    log_findings((Finding(MERGED, problem) for problem in problems), log)


def _with_inline_authorities(config: Config, fetcher: Fetcher) -> Config:
    """The config with its certificates as data URLs, so that later stages need no network for them."""
    ignition = config.ignition
    authorities = tuple(_inlined(fetcher, ignition.security.tls.certificate_authorities))
    if not authorities:
        return config
    tls = ignition.security.tls.changed(certificate_authorities=authorities)
    return config.changed(ignition=ignition.changed(security=ignition.security.changed(tls=tls)))


def _inlined(fetcher: Fetcher, authorities: tuple[ConfigResource, ...]) -> Iterator[ConfigResource]:
    for authority in authorities:
        if scheme(authority.source or "") == "data" and not authority.compression:
            yield authority
            continue
        source = base64_encoded(fetcher.bundle(authority), "text/plain;charset=utf-8")
        yield ConfigResource(source=source, verification=authority.verification)
