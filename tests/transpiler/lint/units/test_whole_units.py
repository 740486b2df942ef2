"""Whole units that systemd refuses, and the commands and values of services."""

from __future__ import annotations

import pytest

from tests.transpiler.lint.test_lints import findings_of, unit
from transpiler.lint.content.calendar import wrong_calendar
from transpiler.lint.units.commands import wrong_command
from transpiler.lint.units.values import wrong_value

SERVICE = "[Service]\nExecStart=/bin/true\n"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("a.service", "[Unit]\nDescription=x\n[Install]\nWantedBy=basic.target", ["7:incomplete-unit"]),
        ("a.service", "[Unit]\nSuccessAction=poweroff", []),
        ("a.target", "[Unit]\nDescription=x", []),
        ("a.socket", "[Unit]\nDescription=x", ["7:incomplete-unit"]),
        ("a.timer", "[Unit]\nDescription=x", ["7:incomplete-unit"]),
        ("a.service", "[Service]\nExecStart=/x\n[Install]\nWantedBy=multiuser.target", ["10:unit-reference"]),
        ("a.socket", "[Socket]\nAccept=yes", ["7:incomplete-unit"]),
        ("a.socket", "[Socket]\nListenStream=80", []),
        ("a.socket", "[Socket]\nListenFIFO=/run/x", []),
        ("a.timer", "[Timer]\nPersistent=yes", ["7:incomplete-unit"]),
        ("a.timer", "[Timer]\nOnBootSec=5min", []),
        ("a.path", "[Path]\nMakeDirectory=yes", ["7:incomplete-unit"]),
        ("a.path", "[Path]\nDirectoryNotEmpty=/var/x", []),
        ("var-x.mount", "[Mount]\nWhere=/var/x", ["7:incomplete-unit"]),
        ("var-x.mount", "[Mount]\nWhat=/dev/vdb", []),
        ("a.service", SERVICE + "ExecStart=/bin/false", ["9:service-type"]),
        ("a.service", SERVICE + "ExecStart=\nExecStart=/bin/false", []),
        ("a.service", SERVICE + "ExecStart=/bin/false\nType=oneshot", []),
        ("a.service", SERVICE + "Type=oneshot\nRestart=always", ["10:service-type"]),
        ("a.service", SERVICE + "Type=oneshot\nRestart=on-success\nRestart=on-failure", []),
        ("a.service", SERVICE + "Type=dbus", ["9:service-type"]),
        ("a.service", SERVICE + "Type=dbus\nBusName=org.example.A", []),
    ],
)
def test_a_whole_unit(name: str, text: str, found: list[str]) -> None:
    assert unit(name, text) == found


@pytest.mark.parametrize(
    ("name", "line", "found"),
    [
        ("a.service", "ExecStart=/bin/false", ["15:service-type"]),
        ("a.service", "Type=oneshot", []),
        ("b.service", "ExecStart=/bin/false", []),
    ],
)
def test_a_unit_is_judged_with_its_dropins(name: str, line: str, found: list[str]) -> None:
    text = f"""systemd:
  units:
    - name: a.service
      contents: |
        [Service]
        ExecStart=/bin/true
storage:
  files:
    - path: /etc/systemd/system/{name}.d/x.conf
      contents:
        inline: |
          [Service]
          {line}
"""
    assert findings_of(text) == found


@pytest.mark.parametrize(
    "good",
    [
        "User=my user",
        "MemoryMax=512M",
        "MemoryMax=512 M",
        "MemoryMax=1G 5M",
        "CPUQuota=150%",
        'Environment="A=b c" D=1',
        "Environment=A='b c'",
        "EnvironmentFile=-/etc/x",
        "WorkingDirectory=~",
        "WorkingDirectory=-/x",
        "ReadWritePaths=-+/x /y",
        "BindPaths=/x:/y:rbind -/z",
        "PIDFile=x/y.pid",
        "RuntimeDirectory=a/b c",
        "SystemCallFilter=~@mount @swap:EPERM read",
        "CapabilityBoundingSet=~CAP_NET_ADMIN cap_chown",
        "ConditionPathExists=|!/etc/x",
        "LimitNOFILE=1024:infinity",
        "ConditionFileNotEmpty=%h/x",
    ],
)
def test_values_that_systemd_takes(good: str) -> None:
    name, _, value = good.partition("=")
    assert wrong_value(name, "", value) == ("", "")


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("User=core:core", "write User=core and Group=core"),
        ("Group=a/b", "write one name or number"),
        ("MemoryMax=512MB", "write 512M"),
        ("MemoryHigh=512m", "write 512M"),
        ("CPUQuota=2", "write 200%"),
        ("Environment=A B=c", "write NAME=value"),
        ("Environment=FOO = bar", "write NAME=value"),
        ("Environment=A-B=c", "write NAME=value"),
        ("EnvironmentFile=etc/x", "write /etc/x"),
        ('EnvironmentFile="/etc/x"', "without quotes"),
        ("WorkingDirectory=srv/x", "write /srv/x"),
        ("ReadWritePaths=/y var/x", "write /var/x"),
        ("BindPaths=x:/y", "slash"),
        ("PIDFile=x/../y", "without .."),
        ("RuntimeDirectory=/run/x", "write x"),
        ("SystemCallFilter=@sytem-service", "did you mean @system-service?"),
        ("AmbientCapabilities=CAP_NET_BIND", "did you mean CAP_NET_BIND_SERVICE?"),
        ("ConditionPathExists=!etc/x", "write /etc/x"),
        ("PathExists=run/x", "write /run/x"),
        ("LimitNOFILE=64k", "without a suffix"),
    ],
)
def test_values_that_systemd_refuses_or_ignores(wrong: str, hint: str) -> None:
    name, _, value = wrong.partition("=")
    message, shown = wrong_value(name, "", value)
    assert message
    assert hint in shown


@pytest.mark.parametrize(
    "good",
    [
        "/bin/sh -c 'a | b && c > d'",
        r"/bin/echo a\"b don\'t",
        '/usr/bin/find / -name "x y" ; /bin/true',
        "/bin/sh -c {{ .Command }} | '",
        "/bin/a --x=a|b a>b",
    ],
)
def test_commands_that_systemd_takes(good: str) -> None:
    assert wrong_command(good) is None


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ('/bin/sh -c "foo', "unit-value"),
        ("/bin/echo don't", "unit-value"),
        ("/bin/cat /x | grep y", "shell-syntax"),
        ("/bin/a && /bin/b", "shell-syntax"),
        ("/bin/a >/dev/null 2>&1", "shell-syntax"),
        ("/bin/a > /var/x", "shell-syntax"),
    ],
)
def test_commands_that_do_not_work(wrong: str, rule: str) -> None:
    found = wrong_command(wrong)
    assert found is not None
    assert found[0] == rule


def test_a_time_in_seconds_since_1970_is_no_time_of_cron() -> None:
    assert wrong_value("OnCalendar", "TIMER", "@1700000000") == ("", "")
    assert wrong_calendar("@1700000000.5") == ""
    assert wrong_value("OnCalendar", "TIMER", "@daily")[0]


def test_systemd_skips_a_byte_order_mark() -> None:
    text = "[Unit]\\nDescription=x\\n[Service]\\nExecStart=/bin/true"
    config = 'systemd:\n  units:\n    - name: a.service\n      contents: "%s' + text + '"\n'
    assert findings_of(config % "\\uFEFF") == findings_of(config % "") == []
    assert findings_of(config % "x") != []


@pytest.mark.parametrize(
    ("line", "found"),
    [("junk", ["10:setting-without-equals"]), ("Environment=A=b \\ \n          C", []), ("@MORE@", []), ("# junk", [])],
)
def test_lines_without_equals_in_a_unit_that_is_a_file(line: str, found: list[str]) -> None:
    """Those of a unit under `systemd` are errors of Ignition."""
    text = f"[Service]\n          ExecStart=/bin/true\n          {line}"
    path = "/etc/systemd/system/a.service"
    file = f"storage:\n  files:\n    - path: {path}\n      contents:\n        inline: |\n          {text}\n"
    assert findings_of(file) == found
