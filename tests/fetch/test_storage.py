"""Storage services: real tftpd, an S3 implementation (moto), and Google's and Azure's at their real names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provision.config.format import Resource, Verification
from provision.failures import FetchFailed
from provision.fetch.gs import object_url as gs_url
from provision.fetch.resources import Fetcher
from provision.fetch.s3 import Object, object_url, parse
from provision.fetch.settings import Settings
from provision.fetch.sigv4 import Credentials, sign
from tests.fetch.certificates import Authority
from tests.fetch.conftest import Words
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, Asked, serve

METADATA = "169.254.169.254"

Speaks = Callable[[Asked], Answer]


# ---------------------------------------------------------------- tftp


@contextmanager
def tftpd(directory: Path, *options: str) -> Iterator[None]:
    child = subprocess.Popen(["in.tftpd", "--foreground", "--address", "10.9.0.9:69", *options, "--secure", directory])
    try:
        time.sleep(0.3)
        yield
    finally:
        child.terminate()
        child.wait()


@pytest.mark.disks
@pytest.mark.peer
@needs_root
@pytest.mark.skipif(not shutil.which("in.tftpd"), reason="needs tftpd-hpa")
@pytest.mark.parametrize("options", [(), ("--refuse", "blksize", "--refuse", "tsize")])
@pytest.mark.parametrize("size", [0, 511, 512, 1428, 2856, 100_000])
def test_tftp_with_and_without_options(tmp_path: Path, size: int, options: tuple[str, ...]) -> None:
    data = os.urandom(size)
    tmp_path.chmod(0o755)
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "file").chmod(0o644)

    def body() -> bytes:
        with tftpd(tmp_path, *options):
            return Fetcher(Settings(http_total=5)).read(Resource(source="tftp://10.9.0.9/file"))

    assert in_namespace(body, "10.9.0.9/32") == data


@pytest.mark.disks
@pytest.mark.peer
@needs_root
@pytest.mark.skipif(not shutil.which("in.tftpd"), reason="needs tftpd-hpa")
def test_tftp_says_what_the_server_says(tmp_path: Path) -> None:
    def body() -> None:
        with tftpd(tmp_path):
            Fetcher(Settings(http_total=5)).read(Resource(source="tftp://10.9.0.9/missing"))

    tmp_path.chmod(0o755)
    with pytest.raises(FetchFailed, match="server says: File not found"):
        in_namespace(body, "10.9.0.9/32")


def test_tftp_without_a_server_ends_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(FetchFailed):
        Fetcher(Settings(http_total=1.0)).read(Resource(source="tftp://127.0.0.1:9/file"))
    assert time.monotonic() - began < 3


# ---------------------------------------------------------------- s3


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
        ("s3://bucket/a/b", Object("bucket", "a/b")),
        ("s3://bucket//a?versionId=v1", Object("bucket", "a", "v1")),
        ("arn:aws:s3:::bucket/a/b?versionId=v", Object("bucket", "a/b", "v", "", "aws")),
        (
            "arn:aws:s3:us-west-2:123456789012:accesspoint/mine/object/a/b",
            Object("arn:aws:s3:us-west-2:123456789012:accesspoint/mine", "a/b", "", "us-west-2", "aws"),
        ),
    ],
)
def test_objects_that_urls_name(source: str, expected: Object) -> None:
    assert parse(source) == expected


@pytest.mark.parametrize("source", ["arn:aws:s3:bucket", "arn:aws:s3:us-west-2:1:accesspoint/mine/a/b"])
def test_arns_that_name_no_object(source: str) -> None:
    with pytest.raises(FetchFailed, match="invalid S3 ARN format"):
        parse(source)


def test_where_objects_are_served() -> None:
    assert object_url(Object("b", "a b/c", "v+1"), "eu-west-1") == (
        "https://b.s3.dualstack.eu-west-1.amazonaws.com/a%20b/c?versionId=v%2B1"
    )
    assert object_url(Object("b.c", "a"), "cn-north-1") == "https://s3.dualstack.cn-north-1.amazonaws.com.cn/b.c/a"
    point = parse("arn:aws:s3:us-west-2:123456789012:accesspoint/mine/object/a")
    assert object_url(point, "us-west-2") == (
        "https://mine-123456789012.s3-accesspoint.dualstack.us-west-2.amazonaws.com/a"
    )


def test_an_object_of_a_real_s3_implementation(words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    server_module = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        s3 = boto3.client(
            "s3", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        s3.create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="mine", Key="configs/a b.ign", Body=b"from s3", ACL="public-read")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
        fetcher = Fetcher(Settings(http_total=5), words)
        assert fetcher.read(Resource(source="s3://mine/configs/a%20b.ign")) == b"from s3"
        assert fetcher.read(Resource(source="arn:aws:s3:::mine/configs/a%20b.ign")) == b"from s3"
        with pytest.raises(FetchFailed, match='could not find bucket "other"'):
            fetcher.read(Resource(source="s3://other/x"))
    finally:
        server.stop()


# ---------------------------------------------------------------- the clouds' services at their real names


def cloud(ca: Authority, words: Words, name: str, service: Speaks, imds: Speaks) -> Callable[[str, Resource], bytes]:
    """Fetch a resource where a storage service and a metadata service stand at their real places."""

    def fetch(platform: str, resource: Resource) -> bytes:
        def body() -> bytes:
            with (
                serve(service, "10.9.0.2", 443, ca.issue(name)),
                serve(imds, METADATA, 80),
            ):
                settings = Settings(http_total=3, authorities=(ca.certificate,), platform=platform)
                return Fetcher(settings, words).read(resource)

        return in_namespace(body, "10.9.0.2/32", f"{METADATA}/32", hosts=f"10.9.0.2 {name}\n")

    return fetch


def needs(header: str, value: str, body: bytes) -> Speaks:
    """A service that tells only those who prove who they are."""

    def answer(asked: Asked) -> Answer:
        return Answer(body) if asked.headers.get(header, "").startswith(value) else Answer(b"who are you?", 401)

    return answer


def aws_metadata(asked: Asked) -> Answer:
    if asked.path == "/latest/api/token":
        return Answer(b"t0ken") if asked.method == "PUT" else Answer(status=405)
    if asked.headers.get("x-aws-ec2-metadata-token") != "t0ken":
        return Answer(status=401)
    keys = {"AccessKeyId": "AKIACANARY", "SecretAccessKey": "canary-secret", "Token": "canary-token"}
    found = {
        "/latest/meta-data/placement/region": b"eu-west-1",
        "/latest/meta-data/iam/security-credentials/": b"my-role",
        "/latest/meta-data/iam/security-credentials/my-role": json.dumps(keys).encode(),
    }
    return Answer(found[asked.path]) if asked.path in found else Answer(status=404)


@pytest.mark.disks
@needs_root
def test_s3_with_the_role_of_the_instance(ca: Authority, words: Words) -> None:
    def s3(asked: Asked) -> Answer:
        if asked.method == "HEAD":
            return Answer(status=403, headers=(("x-amz-bucket-region", "eu-west-1"),))
        return needs("authorization", "AWS4-HMAC-SHA256 Credential=AKIACANARY/", b"for the role")(asked)

    fetch = cloud(ca, words, "s3.dualstack.eu-west-1.amazonaws.com", s3, aws_metadata)
    assert fetch("aws", Resource(source="s3://my.bucket/key")) == b"for the role"
    assert "canary-" not in str(words)


@pytest.mark.disks
@needs_root
def test_gs_with_the_service_account(ca: Authority, words: Words) -> None:
    def imds(asked: Asked) -> Answer:
        good = asked.path.startswith("/computeMetadata/v1/instance/service-accounts/default/token?scopes=")
        token = {"access_token": "canary-token", "token_type": "Bearer"}
        return Answer(json.dumps(token).encode()) if good and "metadata-flavor" in asked.headers else Answer(status=404)

    gs = needs("authorization", "Bearer canary-token", b"from google")
    fetch = cloud(ca, words, "storage.googleapis.com", gs, imds)
    assert fetch("gcp", Resource(source="gs://bucket/a/b")) == b"from google"
    assert "canary" not in str(words)


def test_gs_objects_have_escaped_names() -> None:
    assert gs_url("gs://bucket/a/b c") == "https://storage.googleapis.com/storage/v1/b/bucket/o/a%2Fb%20c?alt=media"


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize("identity", [True, False])
def test_azure_blobs_with_and_without_an_identity(ca: Authority, words: Words, identity: bool) -> None:
    def imds(asked: Asked) -> Answer:
        good = identity and asked.headers.get("metadata") == "true" and "storage.azure.com" in asked.path
        return Answer(b'{"access_token": "canary-token"}') if good else Answer(b"no identity", 400)

    def blob(asked: Asked) -> Answer:
        if not identity:
            return Answer(b"a public blob")
        return needs("authorization", "Bearer canary-token", b"a private blob")(asked)

    fetch = cloud(ca, words, "mine.blob.core.windows.net", blob, imds)
    expected = b"a private blob" if identity else b"a public blob"
    assert fetch("azure", Resource(source="https://mine.blob.core.windows.net/container/file")) == expected
    assert "canary" not in str(words)


def test_hashes_are_checked_whatever_the_scheme() -> None:
    wrong = Verification(hash="sha256-" + "0" * 64)
    with serve({"/f": Answer(b"x")}) as served, pytest.raises(FetchFailed, match="hash verification failed"):
        Fetcher(Settings(http_total=2)).read(Resource(source=f"{served.url}/f", verification=wrong))
