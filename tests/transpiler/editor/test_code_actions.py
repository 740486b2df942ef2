"""Every problem with a certain remedy has an action, which does what `check --fix` does."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

from provision.config.problems import Position
from tests.transpiler.editor import HEAD
from tests.transpiler.mistakes import FOLDER, mistakes
from transpiler.authoring.fixes.fixed import fixed
from transpiler.editor.code_actions import CodeAction, code_actions
from transpiler.editor.document import OpenDocument, WholeConfig
from transpiler.translation_state import TranspileOptions


def applied(document: OpenDocument, action: CodeAction) -> str:
    lines = [*document.lines]
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    text = "\n".join(lines)

    def offset(at: Position) -> int:
        return starts[at.line - 1] + at.column - 1

    for span, new in sorted(action.edits, reverse=True):
        text = text[: offset(span.start)] + new + text[offset(span.end) :]
    return text


def test_one_problem() -> None:
    document = OpenDocument(HEAD + "storage: {files: [{path: /etc/a, mode: 644}]} # c\n")
    mend, silence, everything = code_actions(document, 3, 3)
    assert mend.title == "Write 0644 in place of 644"
    assert applied(document, mend) == document.text.replace("644", "0644") == applied(document, everything)
    assert applied(document, silence) == document.text.replace("# c", "# c  # transpile: ignore=decimal-mode")
    assert OpenDocument(applied(document, silence)).result.problems == ()
    assert code_actions(document, 1, 2) == []


def test_what_check_can_fix_an_editor_can() -> None:
    for mistake in mistakes():
        with chdir(FOLDER / mistake.name):
            raw = Path("case.bu").read_bytes()
            document = OpenDocument(raw.decode("utf-8", "surrogateescape"), TranspileOptions(files_dir="files"))
            mending = [one for one in code_actions(document, 1, len(document.lines)) if one.is_preferred]
            assert bool(mending) == bool(fixed(raw, TranspileOptions(files_dir="files")).edits), mistake.name
            for one in mending:
                assert applied(document, one) != document.text, mistake.name


def test_an_error_or_the_text_of_a_unit_cannot_be_silenced() -> None:
    unit = "systemd:\n  units:\n    - name: a.service\n      contents: |\n        [Unti]\n        A=b\n"
    for text in (unit, "storage: {files: [{path: a}]}\n"):
        actions = code_actions(OpenDocument(HEAD + text), 1, 9)
        assert [one.title for one in actions if one.title.startswith("Silence")] == []


def test_an_action_that_breaks_a_valid_config_is_not_offered() -> None:
    document = OpenDocument(HEAD + "storage: {files: [{path: /a, overwite: true}]}\n")
    assert [one for one in code_actions(document, 1, 3) if one.is_preferred] == []


def test_what_is_not_certain_is_offered_alone() -> None:
    text = "storage: {disks: [{device: /dev/a, wipe_table: true, partitions: [{size_mib: 10G}]}]}\n"
    document = OpenDocument(HEAD + text)
    (offered,) = code_actions(document, 3, 3)
    assert (offered.title, offered.is_preferred) == ("Write 10240 in place of 10G", False)
    assert applied(document, offered) == document.text.replace("10G", "10240")


def test_a_line_that_a_hint_names_is_added() -> None:
    text = (
        "storage:\n  files:\n    - path: /etc/NetworkManager/system-connections/a\n      contents:\n        inline: |\n"
        "          [connection]\n          type=ethernet\n"
    )
    document = OpenDocument(HEAD + text)
    mend = code_actions(document, 5, 5)[0]
    assert mend.title == "Mend: write mode: 0600"
    assert applied(document, mend) == document.text.replace("/a\n", "/a\n      mode: 0600\n")


def test_a_part_is_mended_through_its_config(tmp_path: Path) -> None:
    part = tmp_path / "files.yaml"
    part.write_text("not saved yet\n")
    config = HEAD + "storage: {files: !include files.yaml}\npasswd: {users: [{name: a, shel: /b}]}\n"
    text = "# files\n- path: /etc/a\n  mode: 644\n- path: /etc/b\n  mode: 755\n"
    whole = WholeConfig(config.encode(), str(part))
    document = OpenDocument(text, TranspileOptions(files_dir=tmp_path), part_of=whole)
    assert [one.at and one.at[:2] for one in document.findings()] == [(3, 9), (5, 9)]
    mend, silence, everything = code_actions(document, 3, 3)
    assert applied(document, mend) == text.replace("644", "0644")
    assert applied(document, everything) == text.replace("644", "0644").replace("755", "0755")
    assert silence.title == "Silence decimal-mode on this line"
