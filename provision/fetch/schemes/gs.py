"""Google Cloud Storage: `gs://BUCKET/OBJECT`, with the machine's service account if it has one."""

from __future__ import annotations

import json
from urllib.parse import quote, unquote, urlsplit

from provision.config.format import Resource
from provision.failures import FetchFailed
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Headers, Request
from provision.fetch.schemes.verified_writer import VerifiedWriter

API = "https://storage.googleapis.com/storage/v1"
METADATA = "http://169.254.169.254/computeMetadata/v1"
METADATA_SECONDS = 15.0
"""Limit in seconds for asking the metadata service for a token."""

FLAVOR = (("Metadata-Flavor", "Google"),)
SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"


def copy(client: Client, resource: Resource, writer: VerifiedWriter) -> None:
    """Fetch an object. Raises FetchFailed."""
    headers = authorization(client) if client.settings.platform == "gcp" else ()
    client.fetch(Request(object_url(resource.source or ""), headers), writer.take)


def object_url(source: str) -> str:
    """The URL of an object in the JSON API."""
    parts = urlsplit(source)
    name = quote(unquote(parts.path).lstrip("/"), safe="")
    return f"{API}/b/{quote(parts.netloc, safe='')}/o/{name}?alt=media"


def authorization(client: Client) -> Headers:
    """The header with the token of this machine's service account; empty if there is no account."""
    url = f"{METADATA}/instance/service-accounts/default/token?scopes={quote(SCOPE, safe='')}"
    try:
        token = json.loads(client.with_total_limit(METADATA_SECONDS).read(Request(url, FLAVOR, direct=True)))
        return (("Authorization", f"{token['token_type']} {token['access_token']}"),)
    except (FetchFailed, LookupError, TypeError, ValueError):
        return ()
