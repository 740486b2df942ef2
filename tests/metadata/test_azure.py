"""Azure: the WireServer's documents, and the report to it."""

from __future__ import annotations

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
