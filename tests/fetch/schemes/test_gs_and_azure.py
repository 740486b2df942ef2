"""Storage services of Amazon, Google and Azure at their real names, with the credentials that instances have."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from provision.config.format import Resource, Verification
from provision.failures import FetchFailed
from provision.fetch.resources import Fetcher
from provision.fetch.schemes.gs import object_url as gs_url
from provision.fetch.settings import FetchSettings
from tests.fetch.certificates import Authority
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, Asked, serve
from tests.recorded_log import RecordedLog

METADATA = "169.254.169.254"

Speaks = Callable[[Asked], Answer]


def cloud(
    ca: Authority, log: RecordedLog, name: str, service: Speaks, imds: Speaks
) -> Callable[[str, Resource], bytes]:
    """Fetch a resource where a storage service and a metadata service stand at their real places."""

    def fetch(platform: str, resource: Resource) -> bytes:
        def body() -> bytes:
            with (
                serve(service, "10.9.0.2", 443, ca.issue(name)),
                serve(imds, METADATA, 80),
            ):
                settings = FetchSettings(http_total=3, authorities=(ca.certificate,), platform=platform)
                return Fetcher(settings, log).read(resource)

        return in_namespace(body, "10.9.0.2/32", f"{METADATA}/32", hosts=f"10.9.0.2 {name}\n")

    return fetch


def needs(header: str, value: str, body: bytes) -> Speaks:
    """A service that answers only requests with credentials."""

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
def test_s3_with_the_role_of_the_instance(ca: Authority, log: RecordedLog) -> None:
    def s3(asked: Asked) -> Answer:
        if asked.method == "HEAD":
            return Answer(status=403, headers=(("x-amz-bucket-region", "eu-west-1"),))
        return needs("authorization", "AWS4-HMAC-SHA256 Credential=AKIACANARY/", b"for the role")(asked)

    fetch = cloud(ca, log, "s3.dualstack.eu-west-1.amazonaws.com", s3, aws_metadata)
    assert fetch("aws", Resource(source="s3://my.bucket/key")) == b"for the role"
    assert "canary-" not in str(log)


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize("answer", [Answer(status=403), Answer(b"no json"), Answer(b"[]"), Answer(status=404)])
def test_s3_as_anybody_where_the_instance_has_no_role(ca: Authority, log: RecordedLog, answer: Answer) -> None:
    def s3(asked: Asked) -> Answer:
        return Answer(status=400 if "authorization" in asked.headers else 200, body=b"for all")

    fetch = cloud(ca, log, "s3.dualstack.us-east-1.amazonaws.com", s3, lambda _asked: answer)
    assert fetch("aws", Resource(source="arn:aws:s3:::my.bucket/key")) == b"for all"


@pytest.mark.disks
@needs_root
def test_s3_on_an_instance_with_ipv6_alone(ca: Authority, log: RecordedLog) -> None:
    def s3(asked: Asked) -> Answer:
        return needs("authorization", "AWS4-HMAC-SHA256 Credential=AKIACANARY/", b"for the role")(asked)

    def body() -> bytes:
        with serve(s3, "fd00::2", 443, ca.issue(name)), serve(aws_metadata, "fd00:ec2::254", 80):
            settings = FetchSettings(http_total=3, authorities=(ca.certificate,), platform="aws")
            source = "arn:aws:s3:eu-west-1:123456789012:accesspoint/mine/object/key"
            return Fetcher(settings, log).read(Resource(source=source))

    name = "mine-123456789012.s3-accesspoint.dualstack.eu-west-1.amazonaws.com"
    got = in_namespace(body, "fd00::2/128", "fd00:ec2::254/128", hosts=f"fd00::2 {name}\n")
    assert got == b"for the role"


@pytest.mark.disks
@needs_root
def test_gs_with_the_service_account(ca: Authority, log: RecordedLog) -> None:
    def imds(asked: Asked) -> Answer:
        good = asked.path.startswith("/computeMetadata/v1/instance/service-accounts/default/token?scopes=")
        token = {"access_token": "canary-token", "token_type": "Bearer"}
        return Answer(json.dumps(token).encode()) if good and "metadata-flavor" in asked.headers else Answer(status=404)

    gs = needs("authorization", "Bearer canary-token", b"from google")
    fetch = cloud(ca, log, "storage.googleapis.com", gs, imds)
    assert fetch("gcp", Resource(source="gs://bucket/a/b")) == b"from google"
    assert "canary" not in str(log)


def test_gs_objects_have_escaped_names() -> None:
    assert gs_url("gs://bucket/a/b c") == "https://storage.googleapis.com/storage/v1/b/bucket/o/a%2Fb%20c?alt=media"


@pytest.mark.disks
@needs_root
@pytest.mark.parametrize("identity", [True, False])
def test_azure_blobs_with_and_without_an_identity(ca: Authority, log: RecordedLog, identity: bool) -> None:
    def imds(asked: Asked) -> Answer:
        good = identity and asked.headers.get("metadata") == "true" and "storage.azure.com" in asked.path
        return Answer(b'{"access_token": "canary-token"}') if good else Answer(b"no identity", 400)

    def blob(asked: Asked) -> Answer:
        if not identity:
            return Answer(b"a public blob")
        return needs("authorization", "Bearer canary-token", b"a private blob")(asked)

    fetch = cloud(ca, log, "mine.blob.core.windows.net", blob, imds)
    expected = b"a private blob" if identity else b"a public blob"
    assert fetch("azure", Resource(source="https://mine.blob.core.windows.net/container/file")) == expected
    assert "canary" not in str(log)


def test_hashes_are_checked_whatever_the_scheme() -> None:
    wrong = Verification(hash="sha256-" + "0" * 64)
    with serve({"/f": Answer(b"x")}) as served, pytest.raises(FetchFailed, match="hash verification failed"):
        Fetcher(FetchSettings(http_total=2)).read(Resource(source=f"{served.url}/f", verification=wrong))
