"""Reports of a first boot to an http(s) URL, as CloudEvents: start, each stage, success, and failure with its cause.

The URL comes by kernel argument (`provision.status.url=`). A report never holds up the boot: each call has a few
seconds, and what could not be sent waits in a private file for the next call, which sends the oldest first.
Form: CloudEvents 1.0, JSON event format, structured content mode.
"""

from __future__ import annotations

import json
import os
from typing import NamedTuple

from provision.failures import FetchFailed
from provision.fetch.arguments import value_of
from provision.fetch.messages import Request
from provision.fetch.patience import Deadline, Log
from provision.fetch.settings import Settings

ARGUMENT = "provision.status.url"
QUEUE = "/run/provision/status"
TYPE_PREFIX = "io.github.provision."
CONTENT = (("Content-Type", "application/cloudevents+json; charset=utf-8"),)
ACCEPTED = frozenset({200, 201, 202, 204})

SECONDS = 5.0
"""How long one call may take, all that waited included."""

NO_NETWORK_SECONDS = 0.1
"""A report does not wait for a network: it waits in the queue for the next one."""

QUEUE_LIMIT = 100


class Event(NamedTuple):
    """Something that happened: `kind` is `start`, `stage`, `success` or `failure`; `cause` holds no secret."""

    kind: str
    stage: str = ""
    cause: str = ""
    hint: str = ""


def reporter(command_line: str, machine: str, settings: Settings, log: Log) -> Reporter | None:
    """The reporter that the kernel command line asks for, if it asks for one. `machine` is its id and the boot's."""
    url = value_of(command_line, ARGUMENT)
    return Reporter(url, f"urn:machine:{machine}", settings, log) if url else None


class Reporter(NamedTuple):
    """Where reports go. `source` says which machine and boot they are about, as a URI reference."""

    url: str
    source: str
    settings: Settings
    log: Log
    queue: str = QUEUE

    def __repr__(self) -> str:
        return f"Reporter(source={self.source!r})"

    def tell(self, event: Event, moment: str) -> None:
        """Send a report, and those that still wait. Never raises: a boot does not depend on being watched.

        `moment` is the time as RFC 3339 has it.
        """
        waiting = [*self._waiting(), self._written(event, moment)][-QUEUE_LIMIT:]
        deadline = Deadline(SECONDS)
        while waiting and deadline.left() and self._send(waiting[0], deadline):
            waiting.pop(0)
        self._keep(waiting)

    def _written(self, event: Event, moment: str) -> str:
        data = {name: value for name, value in event._asdict().items() if value and name != "kind"}
        return json.dumps({
            "specversion": "1.0",
            "id": os.urandom(16).hex(),
            "source": self.source,
            "type": TYPE_PREFIX + event.kind,
            "time": moment,
            "datacontenttype": "application/json",
            "data": data,
        })  # fmt: skip

    def _send(self, written: str, deadline: Deadline) -> bool:
        from provision.fetch.client import Client

        settings = self.settings._replace(
            http_total=max(deadline.left(), 0.1), network_wait=NO_NETWORK_SECONDS, offline=False
        )
        request = Request(self.url, CONTENT, method="POST", body=written.encode(), accepted=ACCEPTED)
        try:
            Client(settings, self.log).read(request)
        except FetchFailed as failure:
            self.log("info", f"status report not sent: {failure.message}")
            return False
        return True

    def _waiting(self) -> list[str]:
        try:
            with open(self.queue, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def _keep(self, waiting: list[str]) -> None:
        """Write what waits to a file that nobody else can read."""
        if not waiting and not os.path.exists(self.queue):
            return
        os.makedirs(os.path.dirname(self.queue), mode=0o700, exist_ok=True)
        fd = os.open(f"{self.queue}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.writelines(f"{written}\n" for written in waiting)
        os.replace(f"{self.queue}.new", self.queue)
