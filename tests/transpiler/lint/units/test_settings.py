"""Settings of units and quadlets: names, values, times, and the names of other units."""

from __future__ import annotations

import pytest

from tests.transpiler.lint.test_lints import HEAD, unit
from transpiler.lint.content.calendar import wrong_calendar, wrong_span
from transpiler.lint.content.ini import settings
from transpiler.lint.units.values import wrong_value
from transpiler.phases import transpile

SERVICE = "[Unit]\n{}\n[Service]\nExecStart=/bin/true\n{}\n"


def of_unit(unit_line: str = "", service_line: str = "") -> list[str]:
    """The findings in a service: the second line is in [Unit], the fifth in [Service]; 6 lines of YAML are before."""
    return unit("a.service", SERVICE.format(unit_line, service_line).rstrip("\n"))


@pytest.mark.parametrize(
    ("unit_line", "service_line", "found"),
    [
        ("Description=x", "Restart=always", []),
        ("Descripton=x", "", ["8:unit-setting"]),
        ("", "Descripton=x", ["11:unit-setting"]),
        ("X-Mine=x", "X-Mine=x", []),
        ("BindTo=a.service", "", []),
        ("", "StartLimitIntervalSec=0", ["11:unit-setting"]),
        ("StartLimitIntervalSec=0", "StartLimitInterval=0", []),
        ("", "Restart=unless-stopped", ["11:unit-value"]),
        ("", "Restart=", []),
        ("", "Restart=%i", []),
        ("", "Restart=${RESTART}", []),
        ("", "Environment=A=b \\\n  B=c", []),
        ("Wants=network-online.target", "", []),
        ("Wants=network-onlin.target", "", ["8:unit-reference"]),
        ("Wants=network-online", "", ["8:unit-reference"]),
        ("Wants=other-of-mine.service", "", []),
        ("Wants=foo@%i.service", "", []),
    ],
)
def test_a_line_of_a_service(unit_line: str, service_line: str, found: list[str]) -> None:
    assert of_unit(unit_line, service_line) == found


def test_one_mistake_gives_one_finding() -> None:
    assert unit("a.service", "[Service]\nExecStrat=/bin/true") == ["8:no-exec-start"]


@pytest.mark.parametrize(
    ("line", "found"),
    [("Image=a", []), ("Imag=a", ["9:unit-setting"]), ("RunInit=On", []), ("RunInit=ja", ["9:unit-value"])],
)
def test_quadlets(line: str, found: list[str]) -> None:
    text = HEAD.replace("1.5.0", "1.8.0-experimental") + "systemd:\n  quadlets:\n    - name: a.container\n"
    text += f"      contents: |\n        [Container]\n        Image=a\n        {line}\n"
    rules = [f"{one.at.line if one.at else 0}:{one.rule}" for one in transpile(text.encode()).findings()]
    assert rules == found


@pytest.mark.parametrize(
    "good",
    [
        *("daily", "Weekly UTC", "*:0/5", "Mon *-*-* 04:30", "Mon..Fri 9:00", "Sat,Sun 10:00 Europe/Berlin", "*-*~01"),
        *(
            "2026-02-28 10:00:00",
            "*-*-1..7 18:00",
            "@1395716396",
            "10:00,12:00",
            "05:40:23.42/3.17",
            "quarterly",
            "Mon",
        ),
    ],
)
def test_times_that_systemd_takes(good: str) -> None:
    assert wrong_calendar(good) == ""


@pytest.mark.parametrize(
    "bad",
    [
        *("25:00", "*/5 * * * *", "Mon Tue 10:00", "2026-02-30", "12:60", "10:00 Europe/Atlantis", "everyday", "*:*/5"),
        *("Fri..Mon 1:0", "first Mon", "*-13-01", "*:0/0", "18..8:00", "10", "2026T10:00", "10:00 11:00"),
    ],
)
def test_times_that_systemd_refuses(bad: str) -> None:
    assert wrong_calendar(bad)


def test_a_time_in_the_form_of_cron_has_the_same_rule() -> None:
    for time in ("*/5 * * * *", "25:00"):
        assert unit("a.timer", f"[Timer]\nOnCalendar={time}") == ["8:calendar"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("5", False), ("1h 30min", False), ("1.5s", False), ("infinity", False), ("5 minuten", True), ("1x", True)],
)
def test_time_spans(text: str, wrong: bool) -> None:
    assert wrong_span(text) is wrong


@pytest.mark.parametrize(
    ("name", "kind", "good", "bad"),
    [
        ("Type", "SERVICETYPE", "oneshot", "one-shot"),
        ("ProtectSystem", "", "strict", "strikt"),
        ("RemainAfterExit", "BOOLEAN", "Yes", "ja"),
        ("PrivateUsers", "BOOLEAN", "self", ""),
        ("PrivateTmp", "BOOLEAN", "disconnected", "disconected"),
        ("ProtectSystem", "", "True", "treu"),
        ("RestartSec", "SECONDS", "5s", "5 sekunden"),
        ("TimeoutStopSec", "", "infinity", "five"),
        ("OnBootSec", "TIMER", "15min", "15 minuten"),
        ("UMask", "MODE", "0077", "u=rwx"),
        ("KillSignal", "SIGNAL", "SIGTERM", "SIGTREM"),
        ("KillSignal", "SIGNAL", "RTMIN+3", "RIMIN"),
        ("StandardOutput", "OUTPUT", "append:/var/log/x", "/var/log/x"),
        ("MemoryMax", "LIMIT", "512M", "512MX"),
        ("LimitNOFILE", "LIMIT", "1024:65536", "viele"),
        ("Nice", "NICE", "-5", "20"),
        ("OOMScoreAdjust", "", "-1000", "-1001"),
        ("ExecStart", "PATH [ARGUMENT [...]]", "-/bin/true x", "./true"),
        ("ExecStart", "PATH [ARGUMENT [...]]", "true", "bin/true"),
    ],
)
def test_values(name: str, kind: str, good: str, bad: str) -> None:
    assert wrong_value(name, kind, good) == ("", "")
    assert not bad or all(wrong_value(name, kind, bad))


def test_continued_lines_and_comments() -> None:
    found = list(settings("# x\n[A]\nb=1 \\\n# between\n  2\n; y\nc\n"))
    assert [(one.line, one.section, one.name, one.value, one.has_equals) for one in found] == [
        (1, "A", "", "", False),
        (2, "A", "b", "1  2", True),
        (6, "A", "c", "", False),
    ]
