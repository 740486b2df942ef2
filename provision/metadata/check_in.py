"""How a machine tells its platform that it has booted."""

from __future__ import annotations

from typing import NamedTuple

from provision.failures import FetchFailed
from provision.fetch.http.http_types import Request
from provision.metadata.answers import Answers

ACCEPTED = frozenset({200, 201, 202, 204})


def phone_home(answers: Answers) -> None:
    """Equinix Metal: an empty POST to the URL that the metadata names. Raises FetchFailed."""
    url = answers.value("metadata#phone_home_url")
    if not url:
        raise FetchFailed("packet", "the metadata has no phone_home_url")
    answers.send(Request(url, method="POST", body=b"", accepted=ACCEPTED))


class Booted(NamedTuple):
    """Scaleway: the state of the machine becomes `booted`."""

    url: str

    def report(self, answers: Answers) -> None:
        """Send the state. Raises FetchFailed."""
        headers = (("Content-Type", "application/json"),)
        answers.send(Request(self.url, headers, "PATCH", b'{"state_detail":"booted"}', accepted=ACCEPTED))
