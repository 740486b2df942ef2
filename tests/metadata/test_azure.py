"""Azure: the WireServer's documents, and the report to it."""

from __future__ import annotations

import subprocess
from base64 import encodebytes
from pathlib import Path
from shutil import which

import pytest

from provision.metadata.answers import HttpService
from provision.metadata.azure import WireServer
from provision.metadata.machine_metadata import MachineMetadata
from provision.metadata.providers import PROVIDERS
from tests.fetch.server import Answer, Asked, serve
from tests.metadata.recorded import KEY
from tests.metadata.test_providers import context
from tests.recorded_log import RecordedLog

GOAL = """<?xml version="1.0" encoding="utf-8"?>
<GoalState><Version>2012-11-30</Version><Incarnation>42</Incarnation><Container><ContainerId>a511&amp;</ContainerId>
<RoleInstanceList><RoleInstance><InstanceId>f6cd.test</InstanceId><Configuration>
<SharedConfig>URL/shared?comp=config&amp;type=sharedConfig</SharedConfig>
</Configuration></RoleInstance></RoleInstanceList></Container></GoalState>"""

SHARED = b"""<SharedConfig><Incarnation number="42" instance="test" /><Instances>
<Instance id="other" address="10.0.0.8"><InputEndpoints /></Instance>
<Instance id="test" address="10.0.0.9"><InputEndpoints><Endpoint loadBalancedPublicAddress="20.1.1.1:22" />
</InputEndpoints></Instance></Instances></SharedConfig>"""

IMDS = "/metadata/instance/compute"


def respond(asked: Asked, url: str) -> Answer:
    if asked.path.startswith("/metadata/"):
        assert asked.headers["metadata"] == "true"
        keys = f'[{{"keyData": "{KEY[:30]}\\r\\n{KEY[30:]}\\n", "path": "/home/core"}}]'
        bodies = {"vmSize": "Standard_D1", "name": "web-1", "publicKeys": keys}
        return Answer(bodies[asked.path.removeprefix(f"{IMDS}/").partition("?")[0]].encode())
    assert asked.headers["x-ms-version"] == "2012-11-30"
    assert "metadata" not in asked.headers
    if asked.path == "/machine/?comp=goalstate":
        return Answer(GOAL.replace("URL", url).encode())
    return Answer(SHARED if asked.path.startswith("/shared?") else b"")


STACK_GOAL = GOAL.replace("<SharedConfig>", "<Certificates>URL/certificates?a=1&amp;b=2</Certificates><SharedConfig>")
OPENSSL = which("openssl") and which("ssh-keygen")


def openssl(folder: Path, command: str) -> bytes:
    return subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True, check=True).stdout


def encrypted(folder: Path, certificate: str, *, legacy: bool, with_key: bool = True) -> bytes:
    """The answer of the service for a certificate of a machine: an identity, and perhaps the certificate of a key."""
    (folder / "machine.pem").write_text(f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n")
    for name in ("identity", "ssh"):
        openssl(folder, f"req -x509 -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.pem")
    more = ("-certfile ssh.pem " if with_key else "") + ("-legacy " if legacy else "")
    openssl(folder, f"pkcs12 -export -inkey identity.key -in identity.pem {more}-passout pass: -out chain.p12")
    message = openssl(folder, "cms -encrypt -des3 -binary -in chain.p12 -outform DER machine.pem")
    data = encodebytes(message)
    return (
        b'<?xml version="1.0"?><CertificateFile><Version>2012-11-30</Version><Data>%s</Data></CertificateFile>' % data
    )


def stack_keys(folder: Path, log: RecordedLog, *, legacy: bool = False, with_key: bool = True) -> list[str]:
    """The keys of a machine on Azure Stack Hub, whose service encrypts with the real openssl."""
    urls: list[str] = []

    def respond(asked: Asked) -> Answer:
        if asked.path == "/machine/?comp=goalstate":
            return Answer(STACK_GOAL.replace("URL", urls[0]).encode())
        assert (asked.path, asked.headers["x-ms-cipher-name"]) == ("/certificates?a=1&b=2", "DES_EDE3_CBC")
        certificate = asked.headers["x-ms-guest-agent-public-x509-cert"]
        return Answer(encrypted(folder, certificate, legacy=legacy, with_key=with_key))

    with serve(respond) as served:
        urls.append(served.url)
        provider = PROVIDERS["azurestack"][0]._replace(ssh_keys=WireServer(served.url).ssh_keys)
        answers = HttpService(served.url).answers(context(log))
        return MachineMetadata(provider, answers, context(log)).ssh_keys()


@pytest.mark.slow
@pytest.mark.skipif(not OPENSSL, reason="openssl or ssh-keygen is not installed")
@pytest.mark.parametrize("legacy", [False, True])
def test_the_key_of_a_stack_hub_is_decrypted(tmp_path: Path, log: RecordedLog, *, legacy: bool) -> None:
    [key] = stack_keys(tmp_path, log, legacy=legacy)
    made = subprocess.run(["ssh-keygen", "-y", "-f", tmp_path / "ssh.key"], capture_output=True, text=True, check=True)
    assert key == made.stdout.strip()


@pytest.mark.slow
@pytest.mark.skipif(not OPENSSL, reason="openssl or ssh-keygen is not installed")
def test_a_stack_hub_without_a_key_gives_none(tmp_path: Path, log: RecordedLog) -> None:
    assert stack_keys(tmp_path, log, with_key=False) == []


def test_a_stack_hub_has_a_name(log: RecordedLog) -> None:
    def respond(asked: Asked) -> Answer:
        assert (asked.path, asked.headers["metadata"]) == ("/Microsoft.Compute/identity?api-version=2019-03-11", "true")
        return Answer(b'{"vmName": "vm-1", "subscriptionId": "b1"}')

    with serve(respond) as served:
        [provider] = PROVIDERS["azurestack"]
        assert isinstance(provider.service, HttpService)
        answers = provider.service._replace(base=served.url).answers(context(log))
        assert MachineMetadata(provider, answers, context(log)).hostname() == "vm-1"


def test_the_machine_knows_itself_and_reports(log: RecordedLog) -> None:
    urls: list[str] = []
    with serve(lambda asked: respond(asked, urls[0])) as served:
        urls.append(served.url)
        server = WireServer(served.url)
        provider = PROVIDERS["azure"][0]._replace(more=server.addresses, check_in=server.report_ready)
        assert isinstance(provider.service, HttpService)
        answers = provider.service._replace(base=served.url).answers(context(log))
        metadata = MachineMetadata(provider, answers, context(log))
        assert metadata.attributes() == {
            "VMSIZE": "Standard_D1",
            "IPV4_DYNAMIC": "10.0.0.9",
            "IPV4_VIRTUAL": "20.1.1.1",
        }
        assert (metadata.hostname(), metadata.ssh_keys()) == ("web-1", [KEY])
        metadata.check_in()
    report = served.asked[-1]
    assert (report.method, report.path) == ("POST", "/machine/?comp=health")
    body = report.body.decode()
    assert "<GoalStateIncarnation>42</GoalStateIncarnation>" in body
    assert "<ContainerId>a511&amp;</ContainerId>" in body
    assert "<InstanceId>f6cd.test</InstanceId>" in body
