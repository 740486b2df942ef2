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

_ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "ciphers": (
        *("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc", "none"),
        *("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
        *("blowfish-cbc", "cast128-cbc", "arcfour", "arcfour128", "arcfour256"),  # up to 7.5
    ),
    "macs": (
        *("hmac-sha1", "hmac-sha1-96", "hmac-sha2-256", "hmac-sha2-512", "hmac-md5", "hmac-md5-96", "hmac-ripemd160"),
        *("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "umac-128-etm@openssh.com"),
    ),
}
"""Setting -> the names of algorithms of all versions. Those with an `@` may be of a program that adds others."""

_SERVICES = {"ssh", "http", "https", "ftp", "telnet", "smtp", "domain", "imap", "imaps", "pop3", "ldap", "ldaps", "x11"}
"""Names that services(5) has everywhere; sshd takes them as ports."""

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


def _unknown_algorithms(value: str, known: tuple[str, ...]) -> list[str]:
    """The names in a list that sshd does not know; behind `-` stand patterns."""
    names = [] if value.startswith("-") else value.lstrip("+^").split(",")
    return [name for name in names if name not in known and not re.search(r"[@*?]", name)]


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
    elif name in _ALGORITHMS and (wrong := _unknown_algorithms(value, _ALGORITHMS[name])):
        near = did_you_mean(wrong[0], _ALGORITHMS[name]).strip(" ()")
        problem, hint = f"it does not know {wrong[0][:40]}", near or f"see `ssh -Q {name}` on the machine"
    elif name == "port" and not (0 < float(value) < 65536 if value.isdecimal() else value in _SERVICES):
        problem, hint = "a port is a number from 1 to 65535", "write, for example, 22"
    return WrongLine(0, "sshd-value", f"sshd does not start: {problem}", hint) if problem else None
