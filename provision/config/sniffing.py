"""Is a config YAML, JSON or a cloud-config? The one answer that commands, the machine and the tests share."""

from __future__ import annotations

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""The UTF-8 byte order mark, which some editors put before a text."""


def is_yaml(raw: bytes) -> bool:
    """Whether a config has to be read as YAML (Butane), not as JSON (Ignition).

    A JSON config is an object, so it starts with `{`. A text that starts with `[` is JSON as well, so that the JSON
    reader refuses it, and so is an empty one. Everything else is YAML, whatever its keys are: the transpiler then says
    what is missing. White space (RFC 8259, section 2) and a byte order mark at the start do not count.
    """
    return raw.removeprefix(BYTE_ORDER_MARK).lstrip(b" \t\r\n")[:1] not in {b"{", b"[", b""}


def is_cloud_config(raw: bytes) -> bool:
    """Whether a text is a cloud-config of CoreOS: its first line is `#cloud-config`, with white space after it or not.

    Source: `config/config.go` of coreos/coreos-cloudinit. The files for cloud-init, which other distributions run,
    begin with the same line.
    """
    return raw[:13] == b"#cloud-config" and not raw[13 : (raw.find(b"\n", 13) + 1 or len(raw) + 1) - 1].strip()
