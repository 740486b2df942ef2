"""Azure blobs, fetched with the managed identity of the machine."""

from __future__ import annotations

import json
from urllib.parse import quote, urlsplit

from provision.config.format import Resource
from provision.failures import FetchFailed
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.schemes.verified_writer import VerifiedWriter

BLOBS = ".blob.core.windows.net"
IDENTITY = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
METADATA_SECONDS = 15.0
"""Limit in seconds for asking the metadata service for a token."""

STORAGE = "https://storage.azure.com/"
BLOB_VERSION = "2020-10-02"
"""Version of the blob service's API. A bearer token needs at least 2017-11-09."""


def copy_blob(client: Client, resource: Resource, writer: VerifiedWriter) -> bool:
    """Fetch a blob with this machine's identity. False if the URL is not a blob's, or if that failed."""
    url = resource.source or ""
    if not is_blob(url):
        return False
    try:
        request = Request(IDENTITY + quote(STORAGE, safe=""), (("Metadata", "true"),), direct=True)
        token = json.loads(client.with_total_limit(METADATA_SECONDS).read(request))
        headers = (("Authorization", f"Bearer {token['access_token']}"), ("x-ms-version", BLOB_VERSION))
        client.fetch(Request(url, headers), writer.take)
    except (FetchFailed, LookupError, TypeError, ValueError):
        client.log("info", "fetching the blob with the machine's identity failed: trying without it")
        return False
    return True


def is_blob(url: str) -> bool:
    """Whether a URL is https://ACCOUNT.blob.core.windows.net/CONTAINER/FILE."""
    parts = urlsplit(url)
    return parts.scheme == "https" and (parts.hostname or "").endswith(BLOBS) and parts.path.count("/") == 2
