"""How the resources of each URL scheme are fetched. A row loads its module when it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from provision.config.format import Resource
from provision.config.resources.urls import redacted
from provision.failures import FetchFailed
from provision.fetch.http.http_types import Headers, Request

if TYPE_CHECKING:
    from provision.fetch.http.client import Client
    from provision.fetch.schemes.verified_writer import VerifiedWriter


def _http(client: Client, resource: Resource, writer: VerifiedWriter) -> None:
    if client.settings.platform == "azure":
        from provision.fetch.schemes import azure_blobs

        if azure_blobs.copy_blob(client, resource, writer):
            return
    client.fetch(Request(resource.source or "", headers_of(resource)), writer.take)


def headers_of(resource: Resource) -> Headers:
    """The HTTP headers of a resource. Raises FetchFailed if one has no name, or no value that can be sent."""
    for header in resource.http_headers:
        if not header.name:
            raise FetchFailed(redacted(resource.source or ""), "HTTP header name can't be empty")
        if not header.value or not _can_be_sent(header.value.reveal()):
            told = "it holds control characters" if header.value else "no value"
            raise FetchFailed(redacted(resource.source or ""), f"unable to parse HTTP header {header.name!r}: {told}")
    return tuple((header.name, _on_the_wire(header.value.reveal())) for header in resource.http_headers if header.value)


def _can_be_sent(value: str) -> bool:
    return all(letter == "\t" or (letter >= " " and letter != "\x7f") for letter in value)


def _on_the_wire(value: str) -> str:
    """A header's value without space around it: its UTF-8 bytes as Latin-1 text, which http.client sends unchanged."""
    return value.strip(" \t").encode().decode("latin-1")


def _tftp(client: Client, resource: Resource, writer: VerifiedWriter) -> None:
    from provision.fetch.schemes import tftp

    tftp.copy(client, resource, writer)


def _s3(client: Client, resource: Resource, writer: VerifiedWriter) -> None:
    from provision.fetch.schemes import s3

    s3.copy(client, resource, writer)


def _gs(client: Client, resource: Resource, writer: VerifiedWriter) -> None:
    from provision.fetch.schemes import gs

    gs.copy(client, resource, writer)


SCHEMES: Mapping[str, Callable[[Client, Resource, VerifiedWriter], None]] = {
    "http": _http,
    "https": _http,
    "tftp": _tftp,
    "s3": _s3,
    "arn": _s3,
    "gs": _gs,
}
"""How the resources of each scheme are fetched; data URLs need no fetching."""
