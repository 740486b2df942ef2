"""A config together with the configs it names: `ignition.config.merge` and `replace`, depth first, the child wins."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha512
from typing import NamedTuple

from provision.config.data_urls import base64_encoded
from provision.config.format import Config, ConfigResource
from provision.config.merge import merge
from provision.config.model import NEWEST
from provision.config.rules import check_rules
from provision.config.urls import path_of, redacted, scheme
from provision.failures import ConfigInvalid, FetchFailed
from provision.fetch.resources import Fetcher
from provision.fetch.settings import CONFIG_LIMIT
from provision.fetch.user_data import log_findings, read_config
from provision.log import Log

DEPTH_LIMIT = 16

CONFIG_COUNT_LIMIT = 256

MERGED = "merged config"


class Fetched(NamedTuple):
    """A config that was used, for the state file and the journal: `source` is a platform's name or a URL's path."""

    kind: str
    source: str
    referenced: bool


class ReferencedConfig(NamedTuple):
    """A referenced config as it was fetched; `source` is its redacted URL."""

    source: str
    raw: bytes
    config: Config


class Rendered(NamedTuple):
    """A whole config, the fetcher it asks for, and the configs that went into it; later `parts` win."""

    config: Config
    fetcher: Fetcher
    fetched: tuple[Fetched, ...]
    parts: tuple[ReferencedConfig, ...] = ()


def render(config: Config, fetcher: Fetcher, log: Log) -> Rendered:
    """Merge the configs that a config names, turn its certificate authorities into data URLs, and validate the result.

    Raises FetchFailed, NeedsNetwork, ConfigEmpty, ConfigInvalid.
    """
    rendering = _Rendering(log)
    whole, fetcher = rendering.rendered(config, fetcher.configured_by(config), ())
    fetcher = fetcher.configured_by(whole)
    whole = _with_inline_authorities(whole, fetcher)
    _validate_merged(whole, log)
    return Rendered(whole, fetcher, tuple(rendering.fetched), tuple(rendering.parts))


class _Rendering:
    """The walk through all references: it remembers what was fetched."""

    def __init__(self, log: Log) -> None:
        self.fetched: list[Fetched] = []
        self.parts: list[ReferencedConfig] = []
        self._log = log

    def rendered(self, config: Config, fetcher: Fetcher, above: tuple[str, ...]) -> tuple[Config, Fetcher]:
        """A config with its references merged. `above` are the digests of the configs that led here.

        Each referenced config is fetched with the settings of what is known by then, as Ignition does.
        """
        references = config.ignition.config
        if references.replace.source is not None:
            return self._replaced(references.replace, fetcher, above)
        for reference in references.merge:
            child, below = self._get(reference, fetcher, above)
            fetcher = fetcher.configured_by(merge(config, child))
            child, fetcher = self.rendered(child, fetcher, below)
            config = merge(config, child)
        return config, fetcher

    def _replaced(self, reference: ConfigResource, fetcher: Fetcher, above: tuple[str, ...]) -> tuple[Config, Fetcher]:
        child, below = self._get(reference, fetcher, above)
        return self.rendered(child, fetcher.configured_by(child), below)

    def _get(
        self, reference: ConfigResource, fetcher: Fetcher, above: tuple[str, ...]
    ) -> tuple[Config, tuple[str, ...]]:
        """A referenced config, and the digests that led to it with its own."""
        source = redacted(reference.source or "")
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
        config = read_config(raw, source, self._log, fetcher.settings.run)
        self.parts.append(ReferencedConfig(source, raw, config))
        return config, (*above, digest)


def _validate_merged(config: Config, log: Log) -> None:
    problems = tuple(check_rules(config, NEWEST))
    if not problems:
        return
    from provision.config.reports.findings import Finding

    log_findings((Finding(MERGED, problem) for problem in problems), log)
    if any(problem.fatal for problem in problems):
        raise ConfigInvalid(problems, source=MERGED)


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
