"""Reports of a first boot: start, each stage, success, and failure with its cause.

They go to an http(s) URL as CloudEvents, and to platforms that accept them. The URL is in the kernel argument
`provision.status.url=`. A report delays the boot by a few seconds at most, and by less after the server has failed.
Reports that could not be sent are saved in a private file; the next call sends them, the oldest first.
Form: CloudEvents 1.0, JSON event format, structured content mode.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from provision.failures import Failure, FetchFailed, as_failure
from provision.fetch.http.http_types import Request
from provision.fetch.retry import Deadline
from provision.fetch.running_system import RunningSystem
from provision.fetch.settings import FetchSettings
from provision.kernel_command_line import last_value
from provision.log import Log

if TYPE_CHECKING:
    from provision.fetch.http.client import Client

ARGUMENT = "provision.status.url"
MACHINE = "/sys/class/dmi/id/product_uuid"
QUEUE = "/run/provision/status"
TYPE_PREFIX = "io.github.provision."
CONTENT = (("Content-Type", "application/cloudevents+json; charset=utf-8"),)
ACCEPTED = frozenset({200, 201, 202, 204})

SECONDS = 5.0
"""Seconds for one call, which also sends the saved reports."""

SECONDS_AFTER_FAILURE = 1.0
"""Seconds for a call after the server has failed. The last report of a boot has SECONDS, because it matters most."""

NO_NETWORK_SECONDS = 0.1
"""Seconds that a report waits for a network; after that it is saved for the next call."""

QUEUE_LIMIT = 100
"""How many reports are saved at most."""

LAST_KINDS = frozenset({"success", "failure"})

FIRST_STAGE, LAST_STAGE = "fetch-offline", "umount"


class Event(NamedTuple):
    """One report: `kind` is `start`, `stage`, `success` or `failure`; `cause` holds no secret."""

    kind: str
    stage: str = ""
    cause: str = ""
    hint: str = ""


@contextmanager
def reported(stage: str, platform: str, running_system: RunningSystem, log: Log) -> Iterator[None]:
    """Run the block of a stage and report it: the start of the boot, and the success or failure of the stage."""
    reporter = _reporter(platform, running_system, log)
    if stage == FIRST_STAGE:
        reporter.report(Event("start", stage))
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        failure = as_failure(error)
        reporter.report(Event("failure", stage, failure.message, failure.hint))
        raise
    reporter.report(Event("success" if stage == LAST_STAGE else "stage", stage))


def _reporter(platform: str, running_system: RunningSystem, log: Log) -> Reporter:
    url = last_value(running_system.read_text(running_system.paths.kernel_cmdline_path), ARGUMENT) or ""
    machine = running_system.read_text(MACHINE) or running_system.read_text(running_system.paths.boot_id_path)
    return Reporter(url, f"urn:uuid:{machine.strip().lower()}", FetchSettings(platform=platform), log)


class Reporter(NamedTuple):
    """Sends reports to a URL, which may be empty. `source` is a URI reference that names the machine."""

    url: str
    source: str
    settings: FetchSettings
    log: Log
    queue: str = QUEUE

    def __repr__(self) -> str:
        return f"Reporter(source={self.source!r})"

    def report(self, event: Event) -> None:
        """Send a report, and those that are saved. Never raises, because a report must not stop the boot."""
        try:
            self._report(event)
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the boot goes on
            self.log("warning", f"status report not sent: internal error ({type(error).__name__})")

    def _report(self, event: Event) -> None:
        waiting = self._waiting()
        deadline = Deadline(SECONDS_AFTER_FAILURE if waiting and event.kind not in LAST_KINDS else SECONDS)
        if self.url:
            self._post_all([*waiting, self._written(event)], deadline)
        send_to_platform = PLATFORM_REPORTS.get(self.settings.platform)
        if send_to_platform:
            try:
                send_to_platform(self, event, deadline)
            except FetchFailed as failure:
                self.log("info", f"status report not sent to the platform: {failure.message}")
            except (LookupError, TypeError, ValueError):
                self.log("info", "status report not sent to the platform: its metadata has an unknown form")

    def client(self, deadline: Deadline) -> Client:
        """A client with the time that is left, which does not wait for a network."""
        from provision.fetch.http.client import Client

        seconds = max(deadline.left(), 0.1)
        return Client(self.settings._replace(http_total=seconds, network_wait=NO_NETWORK_SECONDS), self.log)

    def _post_all(self, written: list[str], deadline: Deadline) -> None:
        waiting = written[-QUEUE_LIMIT:]
        while waiting and deadline.left() and self._send(waiting[0], deadline):
            waiting.pop(0)
        try:
            self._keep(waiting)
        except Failure as failure:
            self.log("info", f"status reports not kept: {failure.message}")

    def _written(self, event: Event) -> str:
        import json
        from time import gmtime, strftime

        data = {name: value for name, value in event._asdict().items() if value and name != "kind"}
        return json.dumps({
            "specversion": "1.0",
            "id": os.urandom(16).hex(),
            "source": self.source,
            "type": TYPE_PREFIX + event.kind,
            "time": strftime("%Y-%m-%dT%H:%M:%SZ", gmtime()),
            "datacontenttype": "application/json",
            "data": data,
        })  # fmt: skip

    def _send(self, written: str, deadline: Deadline) -> bool:
        request = Request(self.url, CONTENT, method="POST", body=written.encode(), accepted=ACCEPTED)
        try:
            self.client(deadline).read(request)
        except FetchFailed as failure:
            self.log("info", f"status report not sent: {failure.message}")
            return False
        return True

    def _waiting(self) -> list[str]:
        """The saved reports of this boot, oldest first; none if the file cannot be read."""
        from provision.system.private_files import read_private

        try:
            return (read_private(self.queue) or b"").decode().splitlines()
        except (Failure, ValueError):
            return []

    def _keep(self, waiting: list[str]) -> None:
        """Save the reports that could not be sent, for the next call. Raises Failure."""
        from provision.system.private_files import write_private

        if waiting or os.path.exists(self.queue):
            write_private(self.queue, "".join(f"{written}\n" for written in waiting).encode())


def _report_to_packet(reporter: Reporter, event: Event, deadline: Deadline) -> None:
    """Send a report to Equinix Metal, which shows it to the owner. Source: internal/providers/packet of Ignition."""
    import json

    if event.kind == "start":
        return
    client = reporter.client(deadline)
    metadata = json.loads(client.read(Request(PACKET_METADATA, (("Accept", "*/*"),))))
    events = str(metadata["phone_home_url"]).removesuffix("/phone-home") + "/events"
    failed = event.kind == "failure"
    words = f"error: {event.cause}" if failed else "status: finished successfully"
    report = {"state": "failed" if failed else "running", "message": f"[{event.stage}] Ignition {words}"}
    body = json.dumps(report).encode()
    content = (("Content-Type", "application/json"),)
    client.read(Request(events, content, method="POST", body=body, accepted=ACCEPTED))


PACKET_METADATA = "https://metadata.packet.net/metadata"

PLATFORM_REPORTS: Mapping[str, Callable[[Reporter, Event, Deadline], None]] = {"packet": _report_to_packet}
"""Platforms that accept reports, and the function that sends one to each."""
