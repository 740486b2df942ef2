"""Amazon S3: `s3://BUCKET/KEY` and `arn:PARTITION:s3:...`, with the instance's role if it has one.

The first request asks for the bucket's region (HeadBucket), as in Ignition. Requests go to the dual-stack endpoints, so
that they work on machines with only IPv6 too.
"""

from __future__ import annotations

import json
import os
from time import gmtime, strftime
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

from provision.config.format import Resource
from provision.config.resources.urls import redacted
from provision.failures import FetchFailed
from provision.fetch.http import network
from provision.fetch.http.client import Client, NotFoundError
from provision.fetch.http.http_types import Headers, Request
from provision.fetch.schemes.sigv4 import Credentials, sign
from provision.fetch.schemes.verified_writer import VerifiedWriter

IMDS, IMDS_IPV6 = "http://169.254.169.254", "http://[fd00:ec2::254]"
IMDS_SECONDS = 15.0
"""Limit in seconds for asking the metadata service about this instance, as in Ignition."""
TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 - the name of a header
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
REGION_PATH = "/latest/meta-data/placement/region"

DEFAULT_REGION = "us-east-1"
FIRST_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
DOMAINS = {"cn": "amazonaws.com.cn"}
"""The domain of a region by the first part of its name; all others have amazonaws.com."""

REGION_HEADER = "x-amz-bucket-region"
TELLING = frozenset({200, 301, 307, 400, 403})
"""Statuses of answers to HEAD of a bucket that contain its region."""

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_S3"
"""The variable of the AWS tools for the URL of an S3 service other than Amazon's."""


class S3Object(NamedTuple):
    """An object to fetch. `region` is known only from the ARN of an access point; `partition` only from an ARN."""

    bucket: str
    key: str
    version: str = ""
    region: str = ""
    partition: str = ""

    @property
    def is_access_point(self) -> bool:
        """Whether the bucket is the ARN of an access point."""
        return self.bucket.startswith("arn:")


def copy(client: Client, resource: Resource, writer: VerifiedWriter) -> None:
    """Fetch an object, with the credentials of the machine's role if it has one. Raises FetchFailed."""
    wanted = parse(resource.source or "")
    region = wanted.region or bucket_region(client, wanted)
    url = object_url(wanted, region, endpoint())
    credentials = role_credentials(client) if client.settings.platform == "aws" else None
    moment = strftime("%Y%m%dT%H%M%SZ", gmtime())
    headers: Headers = sign(url, credentials, region, moment) if credentials else ()
    client.fetch(Request(url, headers), writer.take)


def parse(source: str) -> S3Object:
    """The object that an s3 or arn URL names. Raises FetchFailed."""
    parts = urlsplit(source)
    version = parse_qs(parts.query).get("versionId", [""])[0]
    if parts.scheme == "s3":
        return S3Object(parts.netloc, unquote(parts.path).lstrip("/"), version)
    sections = ("arn:" + unquote(parts.path)).split(":", 5)
    if len(sections) < 6:
        raise FetchFailed(redacted(source), "invalid S3 ARN format")
    _, partition, _, region, _, name = sections
    if not name.startswith("accesspoint/"):
        bucket, _, key = name.partition("/")
        return S3Object(bucket, key, version, partition=partition)
    words = name.split("/", 3)
    if len(words) < 4 or words[2] != "object":
        raise FetchFailed(redacted(source), "invalid S3 ARN format", hint="write accesspoint/NAME/object/KEY")
    bucket = ":".join((*sections[:5], f"accesspoint/{words[1]}"))
    return S3Object(bucket, words[3], version, region, partition)


def object_url(wanted: S3Object, region: str, endpoint: str = "") -> str:
    """The URL of an object: at its bucket's host, or with the bucket in the path if its name has a dot."""
    query = f"?versionId={quote(wanted.version, safe='')}" if wanted.version else ""
    path = f"/{quote(wanted.key, safe='/-_.~')}{query}"
    if endpoint:
        return f"{endpoint}/{wanted.bucket}{path}"
    domain = DOMAINS.get(region.partition("-")[0], "amazonaws.com")
    if wanted.is_access_point:
        account, name = wanted.bucket.split(":")[4], wanted.bucket.rpartition("/")[2]
        return f"https://{name}-{account}.s3-accesspoint.dualstack.{region}.{domain}{path}"
    host = f"s3.dualstack.{region}.{domain}"
    # a wildcard certificate covers only one label, so a bucket with a dot cannot be part of the host name
    return f"https://{host}/{wanted.bucket}{path}" if "." in wanted.bucket else f"https://{wanted.bucket}.{host}{path}"


def bucket_region(client: Client, wanted: S3Object) -> str:
    """The region of a bucket. S3 returns it without credentials. Raises FetchFailed."""
    hint = FIRST_REGIONS.get(wanted.partition) or instance_region(client)
    domain = DOMAINS.get(hint.partition("-")[0], "amazonaws.com")
    base = endpoint() or f"https://s3.dualstack.{hint}.{domain}"
    try:
        found = client.header(Request(f"{base}/{wanted.bucket}", method="HEAD", accepted=TELLING), REGION_HEADER)
    except NotFoundError as error:
        raise FetchFailed(f"s3://{wanted.bucket}", f'could not find bucket "{wanted.bucket}"') from error
    return found or hint


def instance_region(client: Client) -> str:
    """The region of this machine, us-east-1 if it is not known."""
    if client.settings.platform != "aws":
        return DEFAULT_REGION
    try:
        return _ask(client, REGION_PATH) or DEFAULT_REGION
    except FetchFailed:
        return DEFAULT_REGION


def role_credentials(client: Client) -> Credentials | None:
    """The keys of the instance's role; None if it has none, or they cannot be read."""
    try:
        role = _ask(client, ROLE_PATH).partition("\n")[0]
        keys = json.loads(_ask(client, ROLE_PATH + role))
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("Token", ""))
    except (FetchFailed, LookupError, TypeError, ValueError):
        client.log("info", "this instance has no role, or its role cannot be read: fetching without credentials")
        return None


def _ask(client: Client, path: str) -> str:
    """An answer of the instance metadata service, version 2. Raises FetchFailed."""
    client = client.with_total_limit(IMDS_SECONDS)
    base = IMDS if network.route_exists("169.254.169.254") else IMDS_IPV6
    hours = (("X-aws-ec2-metadata-token-ttl-seconds", "21600"),)
    token = client.read(Request(f"{base}/latest/api/token", hours, method="PUT", direct=True)).decode("latin-1")
    return (
        client.read(Request(f"{base}{path}", ((TOKEN_HEADER, token),), direct=True)).decode("utf-8", "replace").strip()
    )


def endpoint() -> str:
    """An S3 service other than Amazon's, if the environment names one."""
    return os.environ.get(ENDPOINT_VARIABLE, "").rstrip("/")
