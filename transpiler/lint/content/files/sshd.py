"""Settings of sshd. Source: sshd_config(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from provision.config.reports.did_you_mean import did_you_mean
from transpiler.lint.content.tables import listed
from transpiler.lint.content.wrong_lines import WrongLine

_BOOLEAN = ("yes", "no")

_VALUES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("passwordauthentication", "pubkeyauthentication", "kbdinteractiveauthentication", "permitemptypasswords"),
            *("challengeresponseauthentication", "usepam", "usedns", "x11forwarding", "printmotd", "printlastlog"),
            *("strictmodes", "tcpkeepalive", "permittty", "allowagentforwarding", "gssapiauthentication"),
            *("hostbasedauthentication", "exposeauthinfo", "disableforwarding", "permituserrc", "x11uselocalhost"),
        ),
        _BOOLEAN,
    ),
    "permitrootlogin": ("yes", "no", "prohibit-password", "without-password", "forced-commands-only"),
    "allowtcpforwarding": ("yes", "no", "all", "local", "remote"),
    "allowstreamlocalforwarding": ("yes", "no", "all", "local", "remote"),
    "gatewayports": ("yes", "no", "clientspecified"),
    "ignorerhosts": ("yes", "no", "shosts-only"),
    "permittunnel": ("yes", "no", "point-to-point", "ethernet"),
    "compression": ("yes", "no", "delayed"),
    "addressfamily": ("any", "inet", "inet6"),
    "loglevel": ("quiet", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3"),
}
"""Setting in lower case -> its values."""

_NUMBERS = {"maxauthtries", "maxsessions", "clientalivecountmax", "x11displayoffset"}
_TIMES = {"clientaliveinterval", "logingracetime"}
_TIME = re.compile(r"(?:\d++[smhdw]?)+")
_NOT_IN_MATCH = {"port", "listenaddress", "hostkey", "usepam", "usedns", "addressfamily", "logingracetime", "protocol"}
_NOT_IN_MATCH |= {"strictmodes", "printmotd", "permituserenvironment"}
_CRITERIA = [
    "all",
    "user",
    "group",
    "host",
    "localaddress",
    "localport",
    "rdomain",
    "address",
    "invalid-user",
    "version",
    "command",
    "sessiontype",
]


def sshd_settings(_name: str, text: str) -> Iterator[WrongLine]:
    """What sshd would refuse. It does not start then."""
    known = {one.lower(): one for one in listed("sshd")}
    in_match = False
    for number, name, words in sshd_lines(text):
        if name == "match":
            in_match = True
        wrong = _wrong(name, words, known, in_match=in_match)
        if wrong:
            yield wrong._replace(line=number)


def sshd_lines(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """The number of each line with a setting, from 0, the name of the setting in small letters, and the words."""
    for number, line in enumerate(text.split("\n")):
        words = line.split("#")[0].replace("=", " ", 1).split() if not line.lstrip().startswith("#") else []
        if words and "$" not in words[0] and "%" not in words[0]:
            yield number, words[0].strip('"').lower(), words


def _wrong(name: str, words: list[str], known: Mapping[str, str], *, in_match: bool) -> WrongLine | None:
    """What is wrong in a line, which gets number 0; None if the line is good."""
    if name not in known:
        near = did_you_mean(name, known).strip(" ()").removeprefix("did you mean ").rstrip("?")
        hint = f"did you mean {known[near]}?" if near else "see sshd_config(5)"
        return WrongLine(0, "sshd-setting", f"sshd does not start: it does not know {words[0]}", hint)
    shown = known[name]
    if len(words) == 1:
        return WrongLine(0, "sshd-value", f"sshd does not start: {shown} has no value", "write a value after it")
    if in_match and name in _NOT_IN_MATCH:
        return WrongLine(
            0, "sshd-setting", f"sshd does not start: {shown} cannot be below Match", "write it before the first Match"
        )
    value = words[1].strip('"').lower()
    if len(words) > 2 and name in {*_VALUES, *_NUMBERS, *_TIMES, "port"}:
        return WrongLine(0, "sshd-value", f"sshd does not start: {shown} has one value only", f"remove {words[2]}")
    return None if "$" in value else _wrong_value(name, shown, value)


def _wrong_value(name: str, shown: str, value: str) -> WrongLine | None:
    values = _VALUES.get(name)
    problem = ""
    if name == "match" and value.partition("=")[0] not in _CRITERIA:
        problem, hint = "Match does not know this criterion", f"write one of: {', '.join(_CRITERIA)}"
    elif values and value not in values:
        near = did_you_mean(value, values).strip(" ()")
        problem, hint = f"this is no value of {shown}", near or f"write one of: {', '.join(values)}"
    elif (name in _NUMBERS and not value.isdigit()) or (name in _TIMES and not _TIME.fullmatch(value)):
        problem, hint = f"{shown} is a number", "write a number"
    elif name == "port" and value.isdecimal() and not 0 < float(value) < 65536:
        problem, hint = "a port is a number from 1 to 65535", "write, for example, 22"
    return WrongLine(0, "sshd-value", f"sshd does not start: {problem}", hint) if problem else None
