"""What ct checks in the author's records, in the form of the rules of Ignition configs.

Source: `config/types` of coreos/container-linux-config-transpiler. The messages are ct's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from provision.config.problems import Problem
from provision.config.resources.urls import parse_url
from provision.config.rules.declare import Rule, rule
from transpiler.container_linux import records
from transpiler.container_linux.dialects import (
    NEWEST_FLANNEL,
    OLDEST_ETCD,
    OLDEST_FLANNEL,
    BadVersion,
    Dialect,
    parse_version,
)

INFO = frozenset({"mode unspecified for file, defaulting to 0644 if the file does not exist"})
"""Messages that ct gives the kind `info`."""

_DAYS = frozenset({"sun", "mon", "tue", "wed", "thu", "fri", "sat"})
_DURATION = r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)"
"""A duration as Go reads it."""


@rule(records.ContainerLinuxConfig)
def version_is_zero(config: records.ContainerLinuxConfig) -> Iterator[Problem]:
    """The format has one version."""
    if config.version != 0:
        message = "Invalid version. Only version 0 is supported"
        yield Problem(("version",), message, hint="remove the line; a Butane config also needs a `variant`")


@rule(records.File)
def file_has_mode(file: records.File) -> Iterator[Problem]:
    """A file without a mode gets 0644."""
    if file.mode is None:
        message = "mode unspecified for file, defaulting to 0644"
        message += " if the file does not exist" if file.append else ""
        yield Problem(("mode",), message, fatal=False, hint="write mode: 0644")


@rule(records.Directory)
def directory_has_mode(directory: records.Directory) -> Iterator[Problem]:
    """A directory without a mode gets 0755."""
    if directory.mode is None:
        message = "mode unspecified for directory, defaulting to 0755"
        yield Problem(("mode",), message, fatal=False, hint="write mode: 0755")


@rule(records.Contents)
def contents_have_one_source(contents: records.Contents) -> Iterator[Problem]:
    """Contents come from one place."""
    given = [name for name in ("local", "inline") if getattr(contents, name)]
    given += ["remote.url"] if contents.remote.url else []
    if len(given) > 1:
        message = "only one of the following can be set: local, inline, remote.url"
        yield Problem((), message, hint=f"keep one of {', '.join(given)}")


@rule(records.Flannel)
def flannel_is_sound(flannel: records.Flannel) -> Iterator[Problem]:
    """The version is known, and the network config is a JSON object that flannel reads from etcd."""
    if flannel.network_config and getattr(flannel, "kube_subnet_mgr", None):
        message = "flannel network config cannot be provided if kube_subnet_mgr is set"
        yield Problem((), message, hint="remove one of network_config and kube_subnet_mgr")
        return
    version = parse_version(flannel.version) if flannel.version is not None else None
    if version and version.is_older(OLDEST_FLANNEL):
        yield Problem(("version",), "invalid flannel version (too old)", hint="the oldest one is 0.5.0")
    elif version and version.numbers[0] == 0 and version.numbers[1] > NEWEST_FLANNEL[1]:
        message = (
            "flannel minor version too new. Only options available in the previous minor version will be supported"
        )
        yield Problem(("version",), message, fatal=False, hint="the options are those of flannel 0.7")
    if flannel.network_config and not _is_json_object(flannel.network_config):
        message = "flannel network config doesn't appear to be valid JSON"
        yield Problem(("networkConfig",), message, hint='write a JSON object such as {"Network": "10.1.0.0/16"}')


def _is_json_object(text: str) -> bool:
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return found is None or isinstance(found, dict)


def _refuse(_constant: str) -> None:
    raise ValueError("not JSON")


@rule(records.Update)
def update_group_is_known(update: records.Update) -> Iterator[Problem]:
    """Without an update server of one's own, the group is one of the public server."""
    if update.server and parse_url(update.server) is None:
        yield Problem(("server",), "unable to parse url", hint="write a URL such as https://example.com/v1/update/")
    if update.group.lower() not in {"stable", "beta", "alpha"} and not update.server:
        yield Problem((), "unknown update group", fatal=False, hint="the groups are stable, beta and alpha")


@rule(records.Locksmith)
def locksmith_is_sound(locksmith: records.Locksmith) -> Iterator[Problem]:
    """The strategy is known, and a maintenance window has a start and a length."""
    start, length = locksmith.window_start, locksmith.window_length
    if bool(start) != bool(length):
        message = "window-start and window-length must both be specified"
        yield Problem((), message, hint=f"add {'window_length' if start else 'window_start'}")
        return
    if locksmith.reboot_strategy and locksmith.reboot_strategy.lower() not in {"reboot", "etcd-lock", "off"}:
        hint = "one of reboot, etcd-lock, off (in quotes: off is a boolean otherwise)"
        yield Problem(("rebootStrategy",), "unknown reboot strategy", hint=hint)
    if start:
        yield from _window_start(start)
    if length and not re.fullmatch(_DURATION, length):
        yield Problem(("windowLength",), "couldn't parse window length", hint="write a duration such as 1h30m")


def _window_start(start: str) -> Iterator[Problem]:
    words = start.split()
    day, time = (words[0], words[1]) if len(words) > 1 else ("", start)
    if day and day.lower() not in _DAYS:
        yield Problem(
            ("windowStart",), "unknown day in window start", hint="days are Sun, Mon, Tue, Wed, Thu, Fri, Sat"
        )
    elif not re.fullmatch(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]", time):
        yield Problem(("windowStart",), "couldn't parse window start", hint="write a time such as 04:00 or Thu 04:00")


RULES: tuple[Rule, ...] = (
    version_is_zero,
    file_has_mode,
    directory_has_mode,
    contents_have_one_source,
    flannel_is_sound,
    update_group_is_known,
    locksmith_is_sound,
)


def etcd_version_problems(etcd: records.Etcd, dialect: Dialect) -> Iterator[Problem]:
    """The version of etcd is one whose options the dialect knows."""
    if etcd.version is None:
        return
    version = parse_version(etcd.version)
    major, minor, _ = version.numbers
    newest = int(dialect.etcd_newest.partition(".")[2])
    path = ("etcd", "version")
    if version.is_older(OLDEST_ETCD):
        yield Problem(path, "Etcd version specified is not valid (too old)", hint="the oldest one is 2.3.0")
    elif (major == 2 and minor > 3) or (major == 3 and minor > newest):
        message = "Etcd minor version specified is too new, only options available in the previous minor version"
        hint = f"the options are those of etcd {dialect.etcd_newest if major == 3 else '2.3'}"
        yield Problem(path, f"{message} will be accepted", fatal=False, hint=hint, rule="etcd-version")
    elif major > 3:
        yield Problem(path, "Etcd version is not valid (too new)", hint=f"the newest one is {dialect.etcd_newest}")


def version_problem(written: str) -> str:
    """Why a text is not the version of a program, in ct's words; empty if it is one."""
    try:
        parse_version(written)
    except BadVersion as error:
        return str(error)
    return ""
