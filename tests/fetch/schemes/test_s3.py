"""S3: names, signatures as Amazon publishes them, and a whole S3 implementation (moto) that checks them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import Any, NamedTuple

import pytest

from provision.config.format import Resource
from provision.failures import FetchFailed
from provision.fetch.http.client import Client
from provision.fetch.http.http_types import Request
from provision.fetch.resources import Fetcher
from provision.fetch.schemes.s3 import S3Object, object_url, parse
from provision.fetch.schemes.sigv4 import Credentials, sign
from provision.fetch.settings import FetchSettings
from tests.recorded_log import RecordedLog

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("path", "further", "signature"),
    [
        ("/test.txt", (("Range", "bytes=0-9"),), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        ("/?lifecycle", (), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", (), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_published_signatures(path: str, further: tuple[tuple[str, str], ...], signature: str) -> None:
    url = f"https://examplebucket.s3.amazonaws.com{path}"
    headers = dict(sign(url, EXAMPLE, "us-east-1", "20130524T000000Z", further))
    assert headers["Authorization"].endswith(f",Signature={signature}")
    assert "wJalr" not in repr(EXAMPLE)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("s3://bucket/a/b", S3Object("bucket", "a/b")),
        ("s3://bucket//a?versionId=v1", S3Object("bucket", "a", "v1")),
        ("arn:aws:s3:::bucket/a/b?versionId=v", S3Object("bucket", "a/b", "v", "", "aws")),
        (
            "arn:aws:s3:us-west-2:123456789012:accesspoint/mine/object/a/b",
            S3Object("arn:aws:s3:us-west-2:123456789012:accesspoint/mine", "a/b", "", "us-west-2", "aws"),
        ),
    ],
)
def test_objects_that_urls_name(source: str, expected: S3Object) -> None:
    assert parse(source) == expected


@pytest.mark.parametrize("source", ["arn:aws:s3:bucket", "arn:aws:s3:us-west-2:1:accesspoint/mine/a/b"])
def test_arns_that_name_no_object(source: str) -> None:
    with pytest.raises(FetchFailed, match="invalid S3 ARN format"):
        parse(source)


def test_where_objects_are_served() -> None:
    assert object_url(S3Object("b", "a b/c", "v+1"), "eu-west-1") == (
        "https://b.s3.dualstack.eu-west-1.amazonaws.com/a%20b/c?versionId=v%2B1"
    )
    assert object_url(S3Object("b.c", "a"), "cn-north-1") == "https://s3.dualstack.cn-north-1.amazonaws.com.cn/b.c/a"
    point = parse("arn:aws:s3:us-west-2:123456789012:accesspoint/mine/object/a")
    assert object_url(point, "us-west-2") == (
        "https://mine-123456789012.s3-accesspoint.dualstack.us-west-2.amazonaws.com/a"
    )


class S3(NamedTuple):
    """A whole S3 service (moto, in its own process), and Amazon's own clients."""

    endpoint: str
    client: Callable[[str], Any]

    def ask_for_proof(self, allowed: str) -> None:
        """Set how many further requests pass without a check of their signature (`inf`: all)."""
        connection = HTTPConnection(self.endpoint.removeprefix("http://"))
        connection.request("POST", "/moto-api/reset-auth", allowed)
        assert connection.getresponse().status == 200
        connection.close()


@pytest.fixture(scope="module")
def s3_service() -> Iterator[S3]:
    pytest.importorskip("moto", reason="needs moto: pip install --group services")
    boto3 = pytest.importorskip("boto3")
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            endpoint = f"http://127.0.0.1:{port}"
            await_server(port, child)
            keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
            service = S3(endpoint, lambda name: boto3.client(name, endpoint_url=endpoint, **keys))
            fill(service.client("s3"))
            yield service
        finally:
            child.terminate()


def await_server(port: int, child: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert child.poll() is None, "moto has ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise TimeoutError("moto does not listen")


def fill(s3: Any) -> None:
    """A bucket in Ireland, whose object has two versions."""
    s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_versioning(Bucket="mine", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"old", b"from s3"):
        s3.put_object(Bucket="mine", Key="configs/a b+c.ign", Body=body, ACL="public-read")


@pytest.fixture
def bucket(s3_service: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """The service, at the address where the engine looks for it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_service.endpoint)
    return s3_service


@pytest.mark.disks
@pytest.mark.parametrize("source", ["s3://mine/configs/a%20b+c.ign", "arn:aws:s3:::mine/configs/a%20b+c.ign"])
def test_an_object_of_a_real_s3_implementation(bucket: S3, log: RecordedLog, source: str) -> None:
    fetcher = Fetcher(FetchSettings(http_total=5), log)
    assert fetcher.read(Resource(source=source)) == b"from s3"
    versions = bucket.client("s3").list_object_versions(Bucket="mine")["Versions"]
    (old,) = [version["VersionId"] for version in versions if not version["IsLatest"]]
    assert fetcher.read(Resource(source=f"{source}?versionId={old}")) == b"old"


@pytest.mark.disks
@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there(log: RecordedLog) -> None:
    with pytest.raises(FetchFailed, match='could not find bucket "other"'):
        Fetcher(FetchSettings(http_total=5), log).read(Resource(source="s3://other/x"))
    with pytest.raises(FetchFailed, match="resource not found"):
        Fetcher(FetchSettings(http_total=5), log).read(Resource(source="s3://mine/x"))


@pytest.mark.disks
@pytest.mark.parametrize("broken", ["", "secret_key", "token"])
def test_signatures_convince_a_real_s3_implementation(bucket: S3, log: RecordedLog, broken: str) -> None:
    """The keys are those of a role, as an instance has them, and the service checks them."""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": {"Service": "ec2.amazonaws.com"}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = f"role-{broken or 'whole'}"
    bucket.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)
    bucket.client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    arn = f"arn:aws:iam::123456789012:role/{name}"
    given = bucket.client("sts").assume_role(RoleArn=arn, RoleSessionName="boot")["Credentials"]
    keys = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    keys = keys._replace(**{broken: "wrong"}) if broken else keys
    url = object_url(S3Object("mine", "configs/a b+c.ign"), "eu-west-1", bucket.endpoint)
    request = Request(url, sign(url, keys, "eu-west-1", time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())))
    bucket.ask_for_proof("0")
    try:
        if not broken:
            assert Client(FetchSettings(http_total=5), log).read(request) == b"from s3"
            return
        with pytest.raises(FetchFailed, match=r"HTTP status 40[03]"):
            Client(FetchSettings(http_total=5), log).read(request)
    finally:
        bucket.ask_for_proof("inf")
