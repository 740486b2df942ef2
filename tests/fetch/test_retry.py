"""How long a fetch waits, and what it reports meanwhile."""

from __future__ import annotations

from itertools import islice

from provision.fetch.retry import Deadline, WaitReporter, pauses, report_times, retry_after
from provision.log import silent


def test_what_is_waited_for_is_said_on_the_console() -> None:
    wait = WaitReporter("http://config.example/a", Deadline(120), silent)
    wait.explain("no carrier on eth0", "check the cable", Deadline(120))
    words = wait.text(15)
    assert words == "waiting for http://config.example/a for 15 s (120 s left): no carrier on eth0; check the cable"


def test_the_console_hears_after_5_and_15_seconds_and_then_every_half_minute() -> None:
    assert list(islice(report_times(), 5)) == [5, 15, 45, 75, 105]


def test_pauses_grow_to_five_seconds_and_differ() -> None:
    every = [pause for pause, _ in zip(pauses(), range(20), strict=False)]
    assert 0.1 <= every[0] <= 0.3
    assert all(2.5 <= pause <= 7.5 for pause in every[8:])
    assert len(set(every)) == len(every)


def test_a_fleet_that_is_told_to_come_back_spreads() -> None:
    report_times = [retry_after(10.0, 0.2) for _ in range(1000)]
    assert min(report_times) >= 10.0
    assert max(sum(10 + tenth / 2 <= moment < 10.5 + tenth / 2 for moment in report_times) for tenth in range(10)) < 160


def test_the_spread_leaves_time_for_one_more_attempt() -> None:
    assert all(10.0 <= retry_after(10.0, 0.2, 11.0) <= 10.5 for _ in range(100))
    assert all(6.75 <= retry_after(10.0, 0.2, 9.0) <= 8.55 for _ in range(100))
    assert retry_after(10.0, 0.2, 0.9) == 0.9


def test_a_sooner_deadline_is_never_later_nor_endless() -> None:
    assert 4 < Deadline(0).sooner(5).left() <= 5
    assert Deadline(1).sooner(5).left() <= 1
    assert Deadline(0.001).sooner(5).left() <= 0.001
