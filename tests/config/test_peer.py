"""The same results as ignition-validate 2.14, which Debian packages (versions 3.0 to 3.3)."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter

import pytest
from hypothesis import HealthCheck, example, given, settings

from provision.config.model import minor
from provision.config.reports.ignition_report import ignition_report
from provision.config.validate import validate
from tests.config.configs import peer_texts

PEER = "ignition-validate"

NEWER_RULES = (
    "path conflicts with systemd unit or dropin",
    "filesystem overwrites partitioned device",
    "device matches disk with wipeTable enabled; filesystem will be wiped",
    "user/group ignored for hard link",
    'template unit "',
)
"""How findings begin that current Ignition has and 2.14 has not; docs/decisions/0003-format.md."""

OLDER_RULES = ("shouldExist is false for a partition and other partition(s) has start or size 0",)
"""A finding of 2.14 that Ignition has dropped since."""

AT_RANDOM = "partition numbers collide"
"""Of several colliding numbers the peer reports one at random, so only the disk is compared."""

Entry = tuple[str, str]


def entries(report: str) -> list[tuple[Entry, str]]:
    """Severity and path of each line of a report, and the message."""
    found = re.findall(
        r"^(error|warning|info)(?: at (\$\S*?)?(?:, )?(?:line \d+ col \d+)?)?: (.*)$", report, re.MULTILINE
    )
    return [((severity, path), message) for severity, path, message in found]


def comparable(report: str) -> Counter[Entry]:
    """What both versions of Ignition know, in any order."""
    return Counter(
        (severity, path.rpartition(".")[0] if message == AT_RANDOM else path)
        for (severity, path), message in entries(report)
        if not message.startswith((*NEWER_RULES, *OLDER_RULES))
    )


@pytest.mark.peer
@pytest.mark.skipif(shutil.which(PEER) is None, reason=f"{PEER} is not installed")
@settings(max_examples=1_500, suppress_health_check=list(HealthCheck))
@given(peer_texts(newest=minor("3.3")))
@example(b"")
@example(b"null")
def test_same_result_and_same_findings(raw: bytes) -> None:
    peer = subprocess.run([PEER, "-"], input=raw, capture_output=True, check=False)
    theirs = peer.stdout.decode(errors="replace")
    validated = validate(raw)
    ours = ignition_report(raw, validated)
    assert comparable(ours) == comparable(theirs)
    if not any(
        message.startswith((*NEWER_RULES, *OLDER_RULES)) for _entry, message in (*entries(ours), *entries(theirs))
    ):
        assert int(bool(validated.error)) == peer.returncode
