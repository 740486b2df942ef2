"""The forms in which platforms give out SSH public keys. Every function returns lines of an authorized_keys file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from provision.metadata.answers import Answers, answer_text

SshKeys = Callable[[Answers], Iterator[str]]

KEY = re.compile(
    r"[^\x00-\x1f\x7f]*\b(?:ssh-|sk-ssh-|ecdsa-|sk-ecdsa-)[a-z0-9@.-]+ +[A-Za-z0-9+/]+={0,3}(?: [^\x00-\x1f\x7f]*)?"
)
"""A line with a key: perhaps options, the type, base64, perhaps a comment (sshd(8), AUTHORIZED_KEYS FILE FORMAT)."""


def is_key(line: str) -> bool:
    """Whether a line is a key, without control characters."""
    return bool(KEY.fullmatch(line))


def lines(path: str) -> SshKeys:
    """A text with a key in each line."""
    return lambda answers: iter((answers.text(path) or "").splitlines())


def at(place: str) -> SshKeys:
    """Every value at a place of a document; a value may have several lines."""
    return lambda answers: (line for _, value in answers.values(place) for line in value.splitlines())


def listed(path: str, separator: str = "=") -> SshKeys:
    """A list of names at `path`, each followed by `separator`; the key of a name is at `path/NAME/openssh-key`."""

    def keys(answers: Answers) -> Iterator[str]:
        for entry in (answers.text(path) or "").splitlines():
            name = entry.partition(separator)[0].strip()
            if name:
                yield from (answers.text(f"{path.rstrip('/')}/{name}/openssh-key") or "").splitlines()

    return keys


def google(answers: Answers) -> Iterator[str]:
    """Google's four places: old keys of the instance alone, or its new keys and, unless blocked, the project's.

    Each line is `USER:KEY`. Source: "Add SSH keys to VMs" of Google's documentation.
    """
    old = list(_after_users(answers, "instance/attributes/sshKeys"))
    if old:
        yield from old
        return
    yield from _after_users(answers, "instance/attributes/ssh-keys")
    if answers.text("instance/attributes/block-project-ssh-keys") != "true":
        yield from _after_users(answers, "project/attributes/sshKeys")
        yield from _after_users(answers, "project/attributes/ssh-keys")


def _after_users(answers: Answers, path: str) -> Iterator[str]:
    return (line.partition(":")[2] for line in (answers.text(path) or "").splitlines() if ":" in line)


def json_list(path: str, field: str = "") -> SshKeys:
    """A JSON list of keys, or of objects that hold a key in `field`; line breaks within a key are removed."""

    def keys(answers: Answers) -> Iterator[str]:
        entries = answers.document(path)
        for entry in entries if isinstance(entries, list) else []:
            value = entry.get(field) if field and isinstance(entry, dict) else entry
            yield "".join(answer_text(value).splitlines()).strip()

    return keys


def vendor_data(answers: Answers) -> Iterator[str]:
    """The key `ssh_authorized_keys` of the cloud-config in the MIME file `vendor-data` (IBM Cloud)."""
    from email import message_from_bytes

    import yaml

    message = message_from_bytes(answers.read("vendor-data") or b"")
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if part.get_content_type() == "text/cloud-config" and isinstance(payload, bytes):
            config = yaml.load(payload, yaml.CSafeLoader)
            found = config.get("ssh_authorized_keys") if isinstance(config, dict) else None
            if found:
                yield from map(answer_text, found)
                return


def no_keys(_answers: Answers) -> Iterator[str]:
    """A platform without keys."""
    return iter(())
