"""Lints about files with secrets that everyone on the machine may read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provision.config.problems import Problem
from transpiler.lint.content.kinds import kind_of
from transpiler.lint.content.texts import MachineText, machine_texts
from transpiler.lint.source import LintInput, node_at, remark
from transpiler.reports.secret_text import PRIVATE_KEY, WIREGUARD_KEY, names_secret, secrets_hidden

_TOKEN = re.compile(
    r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}|\bxox[abprs]-[\w-]{20,}|\bhvs\.\w{20,}"
    r"|\bdop_v1_[0-9a-f]{20,}|\btskey-[a-z]+-\w{8,}-?\w*|\bAGE-SECRET-KEY-\w{20,}|\bK10[0-9a-f]{20,}::\S+"
)
"""Tokens of GitHub, GitLab, Slack, Vault, DigitalOcean, Tailscale, age and k3s, which are certain by their form."""

_REGISTRY_LOGIN = re.compile(r"\"auth\"\s*:\s*(\"[A-Za-z0-9+/]{8,}=*\")")
"""The login of a registry in a file with `auths`. Source: containers-auth.json(5)."""

_NAMED = re.compile(
    r"^[ \t]*(?:export[ \t]+)?[\"']?([A-Za-z][\w.-]{2,80})[\"']?[ \t]*[=:][ \t]*"
    r"[\"']?([^\s\"'$<>{}%*`()|,;]{6,})[\"']?,?[ \t]*$",
    re.MULTILINE,
)
"""A line with a name and a value, such as `DB_PASSWORD=...`, in the forms of shells, INI files, YAML and JSON."""

_PASSWORD = re.compile(r"pass(?!age)|pwd|authtok", re.IGNORECASE)

_MARKS = re.compile(
    r"auth|community|cookie|cred|key|pass|pin|psk|pw|secret|token|dop_v1_|gh[oprsu]_|github_pat_|glpat-|hvs\.|k10|xox"
)
"""What is, in lower case, in every text with a secret: parts of names, and of what the forms above begin with."""

_NOT_READ = {"unit", "quadlet", "network", "settings", "sshd", "sudoers", "tmpfiles", "sysusers", "locale"}
"""The readers of files whose settings do not hold secrets under names that sound so."""


def exposed_secrets(source: LintInput) -> Iterator[Problem]:
    """Warnings about files with a secret that everyone may read, and profiles that NetworkManager skips for it."""
    tagged = any("!secret" in "\n".join(lines) for lines in source.lines.values())
    for one in machine_texts(source, lambda _name: True):
        if one.path[:2] != ("storage", "files"):
            continue
        file = source.record.storage.files[one.path[2]]
        mode = 0o644 if file.mode is None else file.mode
        place = (*one.path[:3], "path" if file.mode is None else "mode")
        if one.name.startswith("/etc/NetworkManager/system-connections/"):
            if mode & 0o077:
                message = "NetworkManager skips a profile that others than root may read"
                yield remark(place, "keyfile-mode", message, "write mode: 0600")
            continue
        found = _secret(one, source, tagged=tagged) if mode & 0o004 else None
        if found is not None:
            what, start = found
            at = None if one.file or start < 0 else one.place(source, one.text.count("\n", 0, start))
            message = f"everyone on the machine may read this {what}"
            hint = "write mode: 0600" if not mode & 0o111 else "write mode: 0700"
            yield remark(place, "exposed-secret", message, hint, at if file.mode is None else None)


def _secret(one: MachineText, source: LintInput, *, tagged: bool) -> tuple[str, int] | None:
    """What is secret in a text, and where it begins; -1 if all of the text is the value of `!secret`.

    `tagged` tells whether the config has that tag anywhere.
    """
    node = node_at(source.root, one.path) if tagged else None
    if node is not None and not one.file and source.starts_with_tag(node, "!secret"):
        return "secret", -1
    if not _MARKS.search(one.text.lower()):
        return None
    key = PRIVATE_KEY.search(one.text) or WIREGUARD_KEY.search(one.text)
    if key:
        return "private key", key.start()
    token = _TOKEN.search(one.text) or ('"auths"' in one.text and _REGISTRY_LOGIN.search(one.text))
    if token:
        return "secret", token.start()
    if kind_of(one.name).reader in _NOT_READ or one.text.startswith("#!"):
        return None
    named = next((found for found in _NAMED.finditer(one.text) if _is_secret(found)), None)
    return ("secret", named.start(1)) if named else None


def _is_secret(found: re.Match[str]) -> bool:
    """Whether a line has a password, or the random letters and digits of a token or key."""
    name, value = found[1], found[2]
    if not names_secret(name) or name.lower() in {"passwd", "shadow"} or value.isdecimal():
        return False
    is_random = len(value) >= 16 and re.search(r"\d", value) is not None and re.search("[A-Za-z]", value) is not None
    if not is_random and not _PASSWORD.search(name):
        return False
    return secrets_hidden([found[0]]) != [found[0]]
