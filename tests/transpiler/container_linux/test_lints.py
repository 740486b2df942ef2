"""Lints over Container Linux Configs."""

from __future__ import annotations

from tests.transpiler.container_linux.golden import cases
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

WRONG = """\
docker:
  flags: ["--label=${NAME}"]
passwd:
  users:
    - name: core
      ssh_authorized_keys: [not a key]
      password_hash: plain
    - name: "{{ user }}"
storage:
  files:
    - {path: /a, mode: 0644}
    - {path: /a/b, mode: 0644}
    - {path: /a/c, mode: 0644, filesystem: data}
    - path: /d
      mode: 0644
      contents:
        inline: color #fff
  directories:
    - {path: /e, mode: 0644}
systemd:
  units:
    - name: a.service
      contents: |
        [Servise]
        ExecStart=/bin/true
"""


def test_the_lints_of_butane_configs_run() -> None:
    found = transpile(WRONG.encode()).findings()
    assert [(one.rule, one.at.line) for one in found if one.problem.rule and one.at] == [
        ("unknown-filesystem", 13),
        ("template", 8),
        ("password-hash", 7),
        ("account-name", 8),
        ("ssh-key", 6),
        ("path-below-file", 12),
        ("closed-directory", 19),
        ("unit-section", 24),
        ("comment-in-text", 17),
    ]


def test_a_comment_silences_one() -> None:
    text = WRONG.replace("not a key]", "not a key]  # transpile: ignore=ssh-key")
    assert "ssh-key" not in {one.rule for one in transpile(text.encode()).findings()}


def test_lints_change_no_verdict() -> None:
    for case in cases():
        plain, linted = transpile(case.text, TranspileOptions(lints=False)), transpile(case.text)
        assert (linted.error, linted.json) == (plain.error, plain.json), case.name
