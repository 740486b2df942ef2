"""Descriptions of keys in the terms of YAML: modes in octal, versions of the variant."""

from __future__ import annotations

import pytest

from provision.config.problems import Position
from tests.transpiler.editor import HEAD, with_cursor
from transpiler.editor.document import TextRange
from transpiler.editor.hover import hover

UNIT = HEAD + "systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Service]\n"
FILE = HEAD + "storage:\n  files:\n    - path: {}\n      contents:\n        inline: |\n          {}\n          {}\n"


@pytest.mark.parametrize(
    ("text", "some"),
    [
        (HEAD + "storage:\n  files:\n    - mo\u00a6de: 0644\n", ["mode: 0644", "in octal", "since fcos 1.7.0"]),
        (HEAD + "storage: {files: [{pa\u00a6th: /a}]}\n", ["absolute path", "path: /etc/hostname"]),
        (HEAD + "stor\u00a6age: [\n", ["mapping", "Disks, file systems".lower()]),
        (HEAD + "storage:\n  tr\u00a6ees:\n", ["Since `fcos 1.1.0`, `flatcar 1.0.0`"]),
        (HEAD + "gr\u00a6ub:\n", ["Since `fcos 1.5.0`, `openshift 4.14.0`"]),
        (
            "variant: openshift\nversion: 4.15.0\nstorage:\n  li\u00a6nks:\n",
            ["Not for openshift 4.15.0: links are not"],
        ),
        (HEAD + "storage:\n  filesystems:\n    - for\u00a6mat: ext4\n", ["One of `ext4`, `btrfs`"]),
        *(
            (
                f"{UNIT}        {word}=always\n",
                ["**Restart=** in `[Service]`: when the service is started again", "`on-failure`"],
            )
            for word in ("Rest\u00a6art", "\u00a6Restart", "Restart\u00a6")
        ),
        (FILE.format("/etc/systemd/system/a.service", "[Service]", "Us\u00a6er=a"), ["**User=**"]),
        (FILE.format("/etc/systemd/network/a.network", "[Network]", "DH\u00a6CP=yes"), ["**DHCP=** in `[Network]`"]),
        (FILE.format("/etc/ssh/sshd_config", "Match User a", "PermitRoot\u00a6Login no"), ["**PermitRootLogin**"]),
        *((f"{HEAD}{word}: [\n", ["mapping"]) for word in ("\u00a6storage", "storage\u00a6")),
    ],
)
def test_descriptions(text: str, some: list[str]) -> None:
    found = hover(*with_cursor(text))
    assert found is not None
    assert [one for one in some if one not in found.text] == []


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "storage:\n  files:\n    - mode: 06\u00a644\n",
        HEAD + "stor: \u00a6\n",
        HEAD + "unkn\u00a6own: 1\n",
        UNIT + "        Unkn\u00a6own=1\n",
        UNIT + "        Restart=alw\u00a6ays\n",
        HEAD + "storage:\n  files:\n    - contents:\n        inline: |\n          mo\u00a6de: 1\n",
    ],
)
def test_no_description(text: str) -> None:
    assert hover(*with_cursor(text)) is None


def test_the_word_that_is_described() -> None:
    found = hover(*with_cursor("variant: fcos\nversion: 1.5.0\nstorage: {fi\u00a6les: []}\n"))
    assert found is not None
    assert found.span == TextRange(Position(3, 11), Position(3, 16))
