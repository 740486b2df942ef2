"""Azure's WireServer, which knows the addresses of a machine and takes its report. Source: WALinuxAgent, Afterburn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from provision.failures import FetchFailed
from provision.fetch.http.http_types import Headers, Request
from provision.metadata.answers import Answers

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

WIRE_SERVER = "http://168.63.129.16"
"""The same address in every region ("What is IP address 168.63.129.16" of Azure's documentation)."""

HEADERS = (("x-ms-agent-name", "com.coreos.afterburn"), ("x-ms-version", "2012-11-30"))
"""The agent's name is Afterburn's: the service accepts only agents that it knows."""

READY = """\
<?xml version="1.0" encoding="utf-8"?>
<Health xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">
  <GoalStateIncarnation>{incarnation}</GoalStateIncarnation>
  <Container>
    <ContainerId>{container}</ContainerId>
    <RoleInstanceList>
      <Role>
        <InstanceId>{instance}</InstanceId>
        <Health>
          <State>Ready</State>
        </Health>
      </Role>
    </RoleInstanceList>
  </Container>
</Health>
"""


class WireServer(NamedTuple):
    """The service at its base URL."""

    base: str = WIRE_SERVER

    def addresses(self, answers: Answers) -> Mapping[str, str]:
        """IPV4_DYNAMIC, the address within Azure, and IPV4_VIRTUAL, that of the load balancer. Raises FetchFailed."""
        shared = _text(self._goal_state(answers), "Container/RoleInstanceList/RoleInstance/Configuration/SharedConfig")
        return {name: value for name, value in _addresses(_xml(answers, shared)) if value}

    def report_ready(self, answers: Answers) -> None:
        """Tell the service that the machine is ready. Raises FetchFailed."""
        goal = self._goal_state(answers)
        body = READY.format(
            incarnation=_escaped(_text(goal, "Incarnation")),
            container=_escaped(_text(goal, "Container/ContainerId")),
            instance=_escaped(_text(goal, "Container/RoleInstanceList/RoleInstance/InstanceId")),
        )
        headers = (*HEADERS, ("Content-Type", "text/xml; charset=utf-8"))
        answers.send(Request(f"{self.base}/machine/?comp=health", headers, "POST", body.encode()))

    def ssh_keys(self, answers: Answers) -> Iterator[str]:
        """The key in the certificates of the goal state, if there are any. Raises FetchFailed."""
        from provision.metadata import azure_certificates as certificates

        place = "Container/RoleInstanceList/RoleInstance/Configuration/Certificates"
        url = (self._goal_state(answers).findtext(place) or "").strip()
        if url:
            made, encoded = certificates.new_certificate(answers)
            found = _xml(answers, url, ((certificates.CERTIFICATE_HEADER, encoded), certificates.CIPHER))
            yield from certificates.ssh_keys(answers, made, _text(found, "Data"))

    def _goal_state(self, answers: Answers) -> Element:
        return _xml(answers, f"{self.base}/machine/?comp=goalstate")


def _addresses(shared: Element) -> Iterator[tuple[str, str]]:
    incarnation = shared.find("Incarnation")
    own = "" if incarnation is None else incarnation.get("instance", "")
    for instance in shared.findall("Instances/Instance"):
        if instance.get("id") == own:
            yield "IPV4_DYNAMIC", instance.get("address", "")
            for endpoint in instance.findall("InputEndpoints/Endpoint"):
                public = endpoint.get("loadBalancedPublicAddress", "")
                if ":" in public:
                    yield "IPV4_VIRTUAL", public.rpartition(":")[0]


def _xml(answers: Answers, url: str, headers: Headers = ()) -> Element:
    from xml.etree import ElementTree as ET

    try:
        return ET.fromstring(answers.send(Request(url, (*HEADERS, *headers))))  # noqa: S314 - the cloud's own service, and small
    except ET.ParseError as error:
        raise FetchFailed(url, f"the answer is not XML: {error}") from error


def _escaped(text: str) -> str:
    """A text in an element of XML. `xml.sax.saxutils`, which has such a function, imports `urllib.request`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(element: Element, path: str) -> str:
    text = element.findtext(path)
    if not text:
        raise FetchFailed(WIRE_SERVER, f"the answer has no {path.rpartition('/')[2]}")
    return text
