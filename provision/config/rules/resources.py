"""Rules about resources: their sources, checksums and headers; and about proxies."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import ConfigResource, HttpHeader, IgnitionConfig, Proxy, Resource, Tls, Verification
from provision.config.model import VERSIONS
from provision.config.problems import Path, Problem
from provision.config.resources.urls import HTTP_URL, SCHEMES, URL_HINT, parse_url, scheme_pattern, url_error
from provision.config.rules.declare import TEXT, Keywords, has, never, required, rule, versioned_rule

_HEX_DIGITS = {"sha512": 128, "sha256": 64}

_HASH_PATTERN = "|".join(
    (*(rf"^{function}-[\x00-\x7f]{{{digits}}}$" for function, digits in _HEX_DIGITS.items()), r"[^\x00-\x7f]")
)
"""A checksum of the right length, or any text beyond ASCII: the rule counts bytes, a pattern characters."""


_SOURCE = required("source")


@versioned_rule(IgnitionConfig, since="3.1", schema={"properties": {"merge": {"items": _SOURCE}}}, schema_in_yaml=False)
def merge_needs_source(config: IgnitionConfig, version: int) -> Iterator[Problem]:
    """Every config that is merged has a source."""
    for index, resource in enumerate(config.merge):
        yield from _required(resource, version, ("merge", index))


@versioned_rule(
    Tls, since="3.1", schema={"properties": {"certificateAuthorities": {"items": _SOURCE}}}, schema_in_yaml=False
)
def authority_needs_source(tls: Tls, version: int) -> Iterator[Problem]:
    """Every certificate authority has a source."""
    for index, resource in enumerate(tls.certificate_authorities):
        yield from _required(resource, version, ("certificateAuthorities", index))


@rule(Tls, until="3.1", schema={"properties": {"certificateAuthorities": {"items": _SOURCE}}}, schema_in_yaml=False)
def authority_had_a_source(tls: Tls) -> Iterator[Problem]:
    """In 3.0.0 the source of an authority is a plain string: an absent one is an empty URL, which is invalid."""
    for index, resource in enumerate(tls.certificate_authorities):
        if not resource.source:
            yield Problem(("certificateAuthorities", index, "source"), "invalid url scheme")


@rule(Resource)
def compression_is_known(resource: Resource) -> Iterator[Problem]:
    """A resource is compressed with gzip or not at all."""
    if resource.compression not in {None, "", "gzip"}:
        yield Problem(("compression",), "invalid compression method", hint="only gzip is known")


_UNCHECKED = never(has("verification.hash", TEXT), {"not": has("source", TEXT)})


@versioned_rule(Resource, schema=lambda version: _UNCHECKED if version else {}, schema_in_yaml=False)
def verification_needs_source(resource: Resource, version: int) -> Iterator[Problem]:
    """A checksum needs a source. In 3.0.0 this did not hold for references to configs."""
    if version == 0 and isinstance(resource, ConfigResource):
        return
    if resource.verification.hash is not None and resource.source is None:
        yield Problem(("verification", "hash"), "source must be specified if verification is specified")


def _source_keywords(version: int) -> Keywords:
    known = [name for name, since in SCHEMES.items() if since <= version]
    return {"properties": {"source": {"pattern": f"^$|{scheme_pattern(known)}"}}}


@versioned_rule(Resource, schema=_source_keywords)
def source_is_a_url(resource: Resource, version: int) -> Iterator[Problem]:
    """The source is a URL that the version can fetch; a data URL can be decoded."""
    if resource.source:
        yield from _bad_url(resource.source, version, ("source",))


@rule(Resource, since="3.1")
def headers_need_http(resource: Resource) -> Iterator[Problem]:
    """Headers need an http or https source."""
    if not resource.http_headers:
        return
    url = parse_url(resource.source) if resource.source else None
    if url is None:
        yield Problem(("httpHeaders",), "unable to parse url")
    elif url.scheme not in {"http", "https"}:
        yield Problem(("httpHeaders",), "cannot use HTTP headers with this source scheme")


@rule(HttpHeader, schema={"required": ["name"], "properties": {"name": {"minLength": 1}, "value": {"minLength": 1}}})
def header_has_a_name(header: HttpHeader) -> Iterator[Problem]:
    """A header has a name; a value may be absent, which removes the header when configs are merged."""
    if header.name == "":
        yield Problem(("name",), "HTTP header name can't be empty")
    if header.value is not None and header.value.reveal() == "":
        yield Problem(("value",), "unable to parse HTTP header", hint="leave the value out to remove the header")


@versioned_rule(Verification, schema={"properties": {"hash": {"pattern": _HASH_PATTERN}}})
def hash_is_known(verification: Verification, version: int) -> Iterator[Problem]:
    """The checksum names its function and has that function's length. The digits are not checked."""
    if verification.hash is None:
        return
    function, dash, digits = verification.hash.partition("-")
    if not dash:
        yield Problem(("hash",), "malformed hash specifier", hint="write sha512- and the checksum in hexadecimal")
    elif function not in _HEX_DIGITS or (function == "sha256" and version == 0):
        yield Problem(("hash",), "unrecognized hash function", hint="use sha512, or sha256 since 3.1.0")
    elif len(digits.encode()) != _HEX_DIGITS[function]:
        hint = f"{function} has {_HEX_DIGITS[function]} hexadecimal digits, this has {len(digits)}"
        yield Problem(("hash",), "incorrect size for hash sum", hint=hint)


@rule(Proxy, schema={"properties": {"httpProxy": HTTP_URL, "httpsProxy": HTTP_URL}})
def proxy_is_http(proxy: Proxy) -> Iterator[Problem]:
    """Proxies are reached by http or https; one for https URLs should be reached by https."""
    if proxy.http_proxy is not None:
        yield from _bad_proxy(proxy.http_proxy, "httpProxy")
    if proxy.https_proxy is not None:
        yield from _bad_proxy(proxy.https_proxy, "httpsProxy")
        url = parse_url(proxy.https_proxy)
        if url is not None and url.scheme == "http":
            message = "insecure plaintext HTTP proxy specified for HTTPS resources"
            yield Problem(("httpsProxy",), message, fatal=False)


def _bad_proxy(text: str, name: str) -> Iterator[Problem]:
    url = parse_url(text)
    if url is None:
        yield Problem((name,), "unable to parse url", hint=URL_HINT)
    elif url.scheme not in {"http", "https"}:
        yield Problem((name,), "proxies must be http(s)")


def _required(resource: ConfigResource, version: int, path: Path) -> Iterator[Problem]:
    if not resource.source:
        yield Problem(path, "source is required")
    else:
        yield from _bad_url(resource.source, version, path)


def _bad_url(text: str, version: int, path: Path) -> Iterator[Problem]:
    if message := url_error(text, version):
        yield Problem(path, message, hint=_url_hint(text, message, version))


def _url_hint(text: str, message: str, version: int) -> str:
    if message == "invalid url scheme":
        return _scheme_hint(text, version)
    return _URL_HINTS.get(message, "in data, other characters than letters are in percent form; or write data:;base64,")


_URL_HINTS = {
    "unable to parse url": URL_HINT,
    "invalid S3 ARN format": "write arn:aws:s3:::BUCKET/KEY",
    "invalid S3 object VersionId": "write ?versionId=ID, or leave it out",
}
"""What to do about a URL, by the message; other messages are about a data URL."""


def _scheme_hint(text: str, version: int) -> str:
    url = parse_url(text)
    since = SCHEMES.get(url.scheme) if url else None
    if url and since is not None:
        return f"{url.scheme} needs {VERSIONS[since]}; this config says {VERSIONS[version]}"
    known = ", ".join(scheme for scheme, first in SCHEMES.items() if first <= version)
    return f"known schemes are {known}"


RULES = (
    merge_needs_source,
    authority_needs_source,
    authority_had_a_source,
    compression_is_known,
    verification_needs_source,
    source_is_a_url,
    headers_need_http,
    header_has_a_name,
    hash_is_known,
    proxy_is_http,
)
