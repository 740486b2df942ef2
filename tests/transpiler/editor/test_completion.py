"""Completion offers what the model has at a place, as an author writes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.problems import Position
from tests.transpiler.editor import HEAD, with_cursor
from transpiler.editor.completion import completions
from transpiler.editor.cursor import outline_of
from transpiler.editor.document import OpenDocument, TextRange
from transpiler.editor.units.settings import KIND_WORDS, VALUES, sections
from transpiler.lint.content.tables import OLD, table

ROOT = Path(__file__).parents[3]

UNIT = HEAD + "systemd:\n  units:\n    - name: web.service\n      contents: |\n"


def offered(text: str, files_dir: str = "") -> list[str]:
    return [one.text for one in completions(*with_cursor(text, files_dir))]


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("\u00a6", {"variant: ", "version: ", "storage:\n  "}),
        ("variant: \u00a6", {"fcos", "flatcar", "openshift"}),
        (HEAD + "storage:\n  \u00a6", {"files:\n    - ", "disks:\n    - "}),
        (HEAD + "storage:\n  files:\n    \u00a6", {"- path: "}),
        (HEAD + "storage:\n  files:\n    - path: /a\n      \u00a6", {"mode: ", "contents:\n        "}),
        (HEAD + "storage: {files: [{path: /a, mo\u00a6", {"mode: "}),
        (HEAD + "storage:\n  files:\n    - mode: \u00a6", {"0644", "0755"}),
        (HEAD + "storage:\n  directories:\n    - mode: \u00a6", {"0755", "0700"}),
        (HEAD + "storage:\n  files:\n    - path: \u00a6", {"/etc/hostname"}),
        (HEAD + "storage:\n  filesystems:\n    - format: \u00a6", {"ext4", "none"}),
        (HEAD + "storage:\n  raid:\n    - name: data\n  filesystems:\n    - device: \u00a6", {"/dev/md/data"}),
        (HEAD + "systemd:\n  units:\n    - enabled: \u00a6", {"true", "false"}),
        (HEAD + "storage:\n  files:\n    - path: &a /b\n      contents: [\u00a6", set()),
        (UNIT + "        [\u00a6", {"[Unit]", "[Service]", "[Install]"}),
        (UNIT + "        \u00a6", {"[Unit]", "[Service]", "[Install]"}),
        (UNIT + "        [Unit]\n        Aft\u00a6", {"After=", "ConditionPathExists="}),
        (UNIT + "        [Service]\n        \u00a6\n      enabled: true\n", {"ExecStart=", "Restart="}),
        (UNIT + "        [Service]\n        Type=\u00a6", {"Type=oneshot", "Type=notify"}),
        (UNIT + "        [Service]\n        PrivateTmp=\u00a6", {"PrivateTmp=yes"}),
        (UNIT + "        [Unit]\n        After=\u00a6", {"After=web.service", "After=network-online.target"}),
    ],
)
def test_offers(text: str, some: set[str]) -> None:
    assert some <= set(offered(text))


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        (HEAD + "storage:\n  files:\n    - path: /a\n      \u00a6\n      mode: 0644\n", {"path: ", "mode: "}),
        ("variant: fcos\nversion: 1.0.0\nstorage:\n  \u00a6", {"luks:\n    - ", "trees:\n    - "}),
        ("variant: openshift\nversion: 4.15.0\nstorage:\n  \u00a6", {"directories:\n    - ", "links:\n    - "}),
        ("variant: fcos\nversion: 1.2.0\nstorage:\n  filesystems:\n    - format: \u00a6", {"none"}),
        ("variant: flatcar\nversion: 1.0.0\n\u00a6", {"boot_device:\n  ", "variant: "}),
        (UNIT + "        [Service]\n        \u00a6", {"WantedBy=", "Image="}),
        (UNIT + "        [\u00a6", {"[Timer]", "[Container]"}),
        (HEAD + "storage:\n  files:\n    - contents:\n        inline: |\n          \u00a6", {"path: ", "[Unit]"}),
    ],
)
def test_does_not_offer(text: str, absent: set[str]) -> None:
    assert not absent & set(offered(text))


def test_the_newest_version_is_first_and_experiments_last() -> None:
    found = offered("variant: fcos\nversion: \u00a6")
    assert found[0] == "1.7.0"
    assert found[-1] == "1.8.0-experimental"


def test_what_is_offered_takes_the_place_of_the_word() -> None:
    text = HEAD + "storage:\n  fil\u00a6"
    (one,) = [one for one in completions(*with_cursor(text)) if one.label == "files"]
    assert one.span == TextRange(Position(4, 3), Position(4, 6))
    assert one.documentation.startswith("**files**: list of mappings")


def test_quadlets_have_the_sections_of_their_kind() -> None:
    head = "variant: fcos\nversion: 1.8.0-experimental\nsystemd:\n  quadlets:\n    - name: web.container\n"
    assert "[Container]" in offered(head + "      contents: |\n        [\u00a6")
    assert {"Image=", "PublishPort="} <= set(offered(head + "      contents: |\n        [Container]\n        \u00a6"))


def test_local_files_and_trees(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "motd").touch()
    (tmp_path / ".hidden").touch()
    assert offered(HEAD + "storage:\n  files:\n    - contents:\n        local: \u00a6", str(tmp_path)) == ["site/motd"]
    assert offered(HEAD + "storage:\n  trees:\n    - local: \u00a6", str(tmp_path)) == ["site"]


def test_usual_values_are_those_of_known_settings() -> None:
    known = {name for settings in sections().values() for name in settings}
    assert VALUES.keys() <= known
    assert {"Unit", "Service", "Install", "Timer", "Container"} <= sections().keys()
    assert sections()["Service"]["RemainAfterExit"] == "yes or no"


def test_each_kind_of_value_has_words() -> None:
    kinds = {kind for known in table("units").values() for kind in known.values() if kind != OLD}
    assert kinds - KIND_WORDS.keys() == set()
    assert [words for words in KIND_WORDS.values() if words == words.upper() and words] == []


@pytest.mark.parametrize(
    ("path", "lines", "some"),
    [
        ("/etc/systemd/system/a.service", "[Service]\n          Rest\u00a6", {"Restart="}),
        ("/etc/systemd/system/a.service.d/b.conf", "[Service]\n          Restart=\u00a6", {"Restart=always"}),
        ("/etc/systemd/system/service.d/b.conf", "[\u00a6", {"[Service]"}),
        ("/etc/containers/systemd/a.container", "[Container]\n          Auto\u00a6", {"AutoUpdate="}),
        ("/etc/systemd/network/a.network", "[\u00a6", {"[Match]", "[Network]"}),
        ("/etc/systemd/network/a.network", "[Network]\n          DHC\u00a6", {"DHCP="}),
        ("/etc/systemd/network/a.netdev", "[NetDev]\n          K\u00a6", {"Kind="}),
        ("/etc/systemd/network/a.link", "[Link]\n          M\u00a6", {"MTUBytes="}),
        ("/etc/systemd/journald.conf", "[Journal]\n          Sys\u00a6", {"SystemMaxUse="}),
        ("/etc/systemd/journald.conf.d/a.conf", "\u00a6", {"[Journal]"}),
        ("/etc/NetworkManager/system-connections/a.nmconnection", "[ipv4]\n          m\u00a6", {"method="}),
        ("/etc/ssh/sshd_config.d/a.conf", "Permit\u00a6", {"PermitRootLogin "}),
    ],
)
def test_offers_in_files_of_known_programs(path: str, lines: str, some: set[str]) -> None:
    head = f"storage:\n  files:\n    - path: {path}\n      contents:\n        inline: |\n          "
    assert some <= set(offered(HEAD + head + lines + "\n"))


@given(st.text(alphabet="ab:- #|{}[]=,'\"\n", max_size=40), st.integers(0, 40))
def test_no_text_is_too_odd(text: str, cut: int) -> None:
    completions(*with_cursor(f"{HEAD}storage:\n{text[:cut]}\u00a6{text[cut:]}"))


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_key_of_which_two_letters_are_written_is_offered(path: Path) -> None:
    """With nothing behind it, as a text is written from the top, and within the complete text."""
    lines = path.read_text().split("\n")
    blocks = [range(first, last + 1) for first, last in outline_of(lines).blocks.values()]
    missing = []
    for number, line in enumerate(lines, 1):
        key = re.match(r"(\s*(?:- )?)([a-z_]{3,}):(?=\s|$)", line)
        if key is None or any(number in block for block in blocks) or key[2] in {"variant", "version"}:
            continue
        for rest in ([], lines[number:]):
            document = OpenDocument("\n".join([*lines[: number - 1], key[1] + key[2][:2], *rest]))
            found = completions(document, Position(number, len(key[1]) + 3))
            if key[2] not in {one.label for one in found}:
                missing.append((number, line))
    assert missing == []
