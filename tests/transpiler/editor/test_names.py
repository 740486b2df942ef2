"""Names of arrays, volumes and labels are renamed everywhere, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.config.problems import Position
from tests.transpiler.editor import HEAD, with_cursor
from transpiler.authoring.text_edits import Edit, apply_edits
from transpiler.composition.values import Values
from transpiler.editor.document import OpenDocument, TextRange
from transpiler.editor.names import RenameRefused, definition_span, devices, names, renamed
from transpiler.translation_state import TranspileOptions

TEXT = (
    HEAD
    + """\
storage:
  disks:
    - device: /dev/vda
      partitions:
        - label: data
        - label: "log"
  luks:
    - name: data
      label: data
      device: /dev/disk/by-partlabel/data
  raid:
    - name: data-1
      devices: [/dev/mapper/data, /dev/disk/by-partlabel/log]
  filesystems:
    - device: /dev/md/data-1  # was /dev/mapper/data
      label: data
      path: /var
systemd:
  units:
    - name: dev-disk-by\\x2dpartlabel-data.device
    - name: a.service
      contents: |
        [Unit]
        After=dev-mapper-data.device dev-md-data\\x2d1.device
        What=PARTLABEL=data
        X=/dev/mapper/data2 /x/dev/mapper/data
"""
)


def change(document: OpenDocument, at: Position, new: str) -> str:
    edits = [
        Edit(span.start.line, span.start.column, span.end.column, text) for span, text in renamed(document, at, new)
    ]
    return apply_edits(document.raw, edits).decode()


def place(text: str, skip: int = 0) -> Position:
    """The place of a word of TEXT, after `skip` others."""
    before = text.join(TEXT.split(text)[: skip + 1])
    return Position(before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1 + len(text))


def test_the_names_of_a_text() -> None:
    assert [(one.kind, one.text) for one in names(OpenDocument(TEXT))] == [
        (("partitions", "label"), "data"),
        (("partitions", "label"), "log"),
        (("luks", "name"), "data"),
        (("luks", "label"), "data"),
        (("raid", "name"), "data-1"),
        (("filesystems", "label"), "data"),
    ]
    assert "/dev/md/data-1" in devices(OpenDocument(TEXT))


def test_a_volume() -> None:
    after = change(OpenDocument(TEXT), place("- name: data"), "safe")
    expected = TEXT.replace("/dev/mapper/data,", "/dev/mapper/safe,").replace(
        "was /dev/mapper/data", "was /dev/mapper/safe"
    )
    expected = expected.replace("    - name: data\n", "    - name: safe\n").replace(
        "dev-mapper-data.", "dev-mapper-safe."
    )
    assert after == expected


def test_an_array_from_its_reference() -> None:
    after = change(OpenDocument(TEXT), place("/dev/md/data-1"), "vg_0")
    assert after == TEXT.replace("data-1", "vg_0").replace("data\\x2d1", "vg_0")


def test_a_partition_in_quotes_and_in_a_unit() -> None:
    assert change(OpenDocument(TEXT), place('label: "lo'), "log-2") == TEXT.replace('"log"', '"log-2"').replace(
        "/log]", "/log-2]"
    )
    after = change(OpenDocument(TEXT), place("- label: data"), "a-b")
    assert "by\\x2dpartlabel-a\\x2db.device" in after
    assert "PARTLABEL=a-b\n" in after


@pytest.mark.parametrize(
    ("at", "new", "reason"),
    [
        (Position(1, 1), "x", "only names of arrays"),
        (place("- name: data"), "a b", "cannot be a name"),
        (place("- name: data"), "", "cannot be a name"),
        (place("- label: data"), "log", "already"),
    ],
)
def test_refused(at: Position, new: str, reason: str) -> None:
    with pytest.raises(RenameRefused, match=reason):
        renamed(OpenDocument(TEXT), at, new)


def test_the_definition_of_a_reference() -> None:
    assert definition_span(OpenDocument(TEXT), place("/dev/mapper/da")) == TextRange(Position(10, 13), Position(10, 17))
    assert definition_span(OpenDocument(TEXT), Position(1, 3)) is None


@pytest.mark.parametrize(("before", "found"), [(15, True), (16, True), (0, True), (17, False), (-1, False)])
def test_a_cursor_may_be_at_both_ends_of_a_reference(before: int, found: bool) -> None:
    after = place("devices: [/dev/mapper/data")
    span = definition_span(OpenDocument(TEXT), Position(after.line, after.column - before))
    assert (span is not None) is found


def test_a_text_that_is_not_yaml_has_no_names() -> None:
    document, at = with_cursor(TEXT + "\u00a6: [")
    assert names(document) == []
    assert definition_span(document, at) is None


def test_a_name_that_an_included_file_uses_stays(tmp_path: Path) -> None:
    (tmp_path / "part.yaml").write_text("- device: /dev/md/data\n  format: ext4\n")
    raid = "storage:\n  raid:\n    - {name: data, level: raid1, devices: [/dev/a]}\n"
    text = f"{HEAD}{raid}  filesystems: !include part.yaml\n"
    document = OpenDocument(text, TranspileOptions(name="site.bu", files_dir=tmp_path, values=Values()))
    with pytest.raises(RenameRefused, match=r"part.yaml:1 uses this name too"):
        renamed(document, Position(5, 14), "db")
