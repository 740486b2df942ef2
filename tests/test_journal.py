"""Messages in the journal's protocol and on standard output."""

from __future__ import annotations

from io import StringIO

from provision.journal import encoded, open_log


def test_standard_output_has_the_reference_engines_words() -> None:
    out = StringIO()
    log = open_log(out, to_stdout=True)
    log("info", "Stage: disks", IGNITION_USER_NAME="core")
    log("critical", "one\ntwo")
    assert out.getvalue() == "INFO     : Stage: disks\nCRITICAL : one\nCRITICAL : two\n"


def test_fields_of_one_line_are_plain() -> None:
    assert encoded("MESSAGE", b"hello") == b"MESSAGE=hello\n"


def test_fields_of_several_lines_carry_their_length() -> None:
    assert encoded("MESSAGE", b"a\nb") == b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n"
