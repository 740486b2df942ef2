"""Reports of a copy that takes long."""

from __future__ import annotations

from provision.boot.root.copy_progress import CopyProgress
from tests.recorded_log import RecordedLog


def test_a_copy_that_takes_long_says_how_much_is_copied(log: RecordedLog) -> None:
    moments = iter([100.0, 101.0, 104.9, 105.0, 106.0, 150.0, 160.0, 176.0])
    progress = CopyProgress("keeping it", log, clock=lambda: next(moments))
    for _ in range(7):
        progress(10 << 20)
    assert log.at("notice") == [
        "keeping it for 5 s: 30 MiB of its files are copied",
        "keeping it for 50 s: 50 MiB of its files are copied",
        "keeping it for 76 s: 70 MiB of its files are copied",
    ]
