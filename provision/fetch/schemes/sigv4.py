"""AWS Signature Version 4: how a request to S3 is signed.

Source: "Authenticating Requests (AWS Signature Version 4)" in the S3 API reference. The tests are its examples.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from provision.fetch.http.http_types import Headers

EMPTY_SHA256 = sha256(b"").hexdigest()


class Credentials(NamedTuple):
    """Keys of an instance's role."""

    access_key: str
    secret_key: str
    token: str = ""

    def __repr__(self) -> str:
        return "Credentials(***)"


def sign(url: str, credentials: Credentials, region: str, moment: str, further: Headers = ()) -> Headers:
    """The headers that a GET of an S3 object needs. `moment` is the time as `20130524T000000Z`.

    `further` headers are signed and returned too.
    """
    parts = urlsplit(url)
    own = dict(further)
    own |= {"x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": moment}
    if credentials.token:
        own["x-amz-security-token"] = credentials.token
    signed = sorted({"host": parts.netloc, **{name.lower(): value.strip() for name, value in own.items()}}.items())
    names = ";".join(name for name, _ in signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed)
    canonical = "\n".join(("GET", parts.path or "/", _query(parts.query), lines, names, EMPTY_SHA256))
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    statement = "\n".join(("AWS4-HMAC-SHA256", moment, scope, sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_key(credentials, region, moment[:8]), statement.encode(), sha256).hexdigest()
    credential = f"Credential={credentials.access_key}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 {credential},SignedHeaders={names},Signature={signature}"
    return (*own.items(), ("Authorization", authorization))


def _key(credentials: Credentials, region: str, day: str) -> bytes:
    key = f"AWS4{credentials.secret_key}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, word.encode(), sha256).digest()
    return key


def _query(query: str) -> str:
    written = parse_qsl(query, keep_blank_values=True)
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in written)
    return "&".join(f"{name}={value}" for name, value in pairs)
