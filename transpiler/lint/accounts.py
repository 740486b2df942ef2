"""Lints about accounts: names, password hashes, SSH keys.

Sources: crypt(5) for the forms of hashes, sshd(8) "AUTHORIZED_KEYS FILE FORMAT", useradd(8) for names.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from provision.config.problems import Path, Problem
from transpiler.lint.source import LintInput, node_at, place_of_line, remark

_BASE64 = r"[./0-9A-Za-z]"

_HASHES = (
    re.compile(rf"\$(y|gy|7)\$[^$]+\$[^$]*\${_BASE64}{{43}}"),
    re.compile(rf"\$6\$(rounds=\d+\$)?[^$]*\${_BASE64}{{86}}"),
    re.compile(rf"\$5\$(rounds=\d+\$)?[^$]*\${_BASE64}{{43}}"),
    re.compile(rf"\$2[abxy]\$\d\d\${_BASE64}{{53}}"),
    re.compile(rf"\$1\$[^$]*\${_BASE64}{{22}}"),
    re.compile(r"\$(sha1|md5|3)[$,].+"),
    re.compile(rf"_{_BASE64}{{19}}"),
    re.compile(rf"{_BASE64}{{13}}"),
)

_LOCKED = re.compile(r"[!*]|x?\Z")

_KEY_TYPES = re.compile(
    r"(ssh-(rsa|dss|ed25519|ed448)|ecdsa-sha2-nistp(256|384|521)"
    r"|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)(-cert-v01@openssh\.com)?"
    r"|(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519|sk-ecdsa-sha2-nistp256)-cert-v01@openssh\.com"
)

_NAME = re.compile(r"[^\s:/,@#-][^\s:/,]{0,31}")


def accounts(source: LintInput) -> Iterator[Problem]:
    """Warnings about names, password hashes and SSH keys of users and groups."""
    for kind in ("users", "groups"):
        for index, account in enumerate(getattr(source.record.passwd, kind)):
            path: Path = ("passwd", kind, index)
            yield from _name(account.name, path, source)
            yield from _hash(account.password_hash.reveal() if account.password_hash else None, path)
    for index, user in enumerate(source.record.passwd.users):
        yield from _paths(user.shell, user.home_dir, ("passwd", "users", index))
        for number, key in enumerate(user.ssh_authorized_keys):
            yield from _keys(str(key), ("passwd", "users", index, "ssh_authorized_keys", number), source)


def _paths(shell: str | None, home: str | None, path: Path) -> Iterator[Problem]:
    if shell and not shell.startswith(("/", "$", "{")):
        message = "login fails: this shell is not an absolute path"
        yield remark((*path, "shell"), "account-path", message, f"write /bin/{shell.rpartition('/')[2]}")
    if home and not home.startswith(("/", "$", "{")):
        message = "useradd refuses this home: it is not an absolute path"
        yield remark((*path, "home_dir"), "account-path", message, f"write /home/{home.rpartition('/')[2]}")


def _name(name: str, path: Path, source: LintInput) -> Iterator[Problem]:
    what = "user" if path[1] == "users" else "group"
    node = node_at(source.root, path)
    keys = [key.text for key, _ in node.items] if node is not None and node.kind == "mapping" else []
    if not name and any("name" in key for key in keys):
        return  # the name of the key is wrong, and this has a problem already
    if not name:
        yield remark(path, "account-name", f"this {what} has no name", "add a line `name: core` (or another name)")
    elif not _NAME.fullmatch(name):
        hint = "use at most 32 letters, digits, `_`, `.` and `-`; no space, colon or slash"
        yield remark((*path, "name"), "account-name", f"{what}add refuses this name", hint)


def _hash(value: str | None, path: Path) -> Iterator[Problem]:
    if value is None or "${" in value or "{{" in value or _LOCKED.match(value):
        return
    if any(form.fullmatch(value) for form in _HASHES):
        return
    place = (*path, "password_hash")
    if value.startswith("$"):
        message = "this password hash is incomplete or of an unknown kind"
        yield remark(place, "password-hash", message, "copy the whole line that `mkpasswd` prints, in single quotes")
    else:
        message = "this is not a password hash: login with it fails, and a plain password here is readable"
        yield remark(place, "password-hash", message, "write what `mkpasswd --method=yescrypt` prints")


def _keys(text: str, path: Path, source: LintInput) -> Iterator[Problem]:
    node = node_at(source.root, path)
    for number, line in enumerate(text.splitlines()):
        wrong = wrong_key(line.strip())
        if wrong:
            message, hint = wrong
            yield remark(path, "ssh-key", message, hint, place_of_line(node, source, number))


def wrong_key(line: str) -> tuple[str, str] | None:
    """Why a line is not a valid line of an authorized_keys file, and what to write; None if it is valid."""
    if not line or line.startswith("#") or "${" in line or "{{" in line:
        return None
    words = line.split()
    at = next((index for index, word in enumerate(words) if _KEY_TYPES.fullmatch(word)), None)
    if at is None:
        return _not_a_key(line)
    if at + 1 == len(words):
        return "this SSH key has a type, but no key", "copy the whole line of the .pub file"
    try:
        inside = base64.b64decode(words[at + 1], validate=True)
    except (binascii.Error, ValueError):
        inside = b""
    if not _is_key(inside, words[at]):
        return "this SSH key is damaged", "copy the whole line of the .pub file again, without line breaks"
    return None


def _is_key(blob: bytes, kind: str) -> bool:
    """Whether a blob begins with the name of its kind and is complete: length and field by turns (RFC 4253, 6.6)."""
    fields: list[bytes] = []
    at = 0
    while at + 4 <= len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4])
        fields.append(blob[at + 4 : end])
        at = end
    if fields[:1] != [kind.encode()]:
        return False
    return "-cert-" in kind or (at == len(blob) and len(fields) > 1)


def _not_a_key(line: str) -> tuple[str, str]:
    """The message and the hint for a line without the type of a key."""
    if "PRIVATE KEY" in line:
        return "this is a private key, and must not be in a config", "write the line of the .pub file"
    if re.match(r"(https?:|gh:|github:|lp:)", line):
        return "this is a URL, but keys are not downloaded", "write the keys themselves, one in each line"
    if " " not in line and (line.endswith(".pub") or re.match(r"[~./]", line)):
        return "this is the name of a file, not a key", "write it under ssh_authorized_keys_local"
    if line.startswith("AAAA"):
        return "this SSH key has no type", "write the type before it, such as `ssh-ed25519`"
    return "this is not an SSH public key", "a key begins with its type, such as `ssh-ed25519 AAAA...`"
