"""A machine whose clock battery is dead starts in 1970, where no certificate is valid yet: in a guest of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fetch.certificates import authority
from tests.real.disks.machines import user_mode_linux

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(bool(user_mode_linux.lacking()), reason=f"needs {user_mode_linux.lacking()}"),
]


def test_https_in_1970_is_explained_and_works_once_the_clock_is_lifted(tmp_path: Path) -> None:
    always = ("20200101000000Z", "20991231000000Z")
    authority(tmp_path, days=always).issue("localhost", days=always)
    ended = user_mode_linux.run([sys.executable, "-m", "tests.fetch.in_1970", "/run/guest"], tmp_path, {}, 120)
    failure, lifted, files = ended.output.splitlines()
    assert "the clock was before the day of the build" in lifted
    assert files == "['/from-https']"
    assert "TLS: certificate is not yet valid (clock here: 1970-01-01 00:16 UTC); if this machine's clock" in failure
    assert ended.status == 0
