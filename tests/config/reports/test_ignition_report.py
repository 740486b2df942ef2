"""Problems in the form of ignition-validate's report."""

from __future__ import annotations

import pytest

from provision.config.reports.ignition_report import ignition_report
from provision.config.validate import validate


@pytest.mark.parametrize(
    ("text", "report"),
    [
        ('{"ignition": {"version": 3}}', "error at line 1 col 27: expected a string, found a number\n"),
        ("[]", "error at line 1 col 2: expected an object, found a list\n"),
        ("{", "error at line 0 col 0: unexpected end of JSON input\n"),
        ('{"a": 1', "error at line 0 col 0: unexpected end of JSON input\n"),
        ('{"a": "b', "error at line 0 col 0: unexpected end of JSON input\n"),
        ('{"a": "\\', "error at line 0 col 0: invalid character ' ' in string escape code\n"),
        ('{"a": 1.', "error at line 0 col 0: invalid character ' ' after decimal point in numeric literal\n"),
        ('{"a": tr', "error at line 0 col 0: invalid character ' ' in literal true (expecting 'u')\n"),
        ('{"a": x }', "error at line 1 col 8: invalid character 'x' looking for beginning of value\n"),
        ('{"a": "\n"}', "error at line 2 col 1: invalid character '\\n' in string literal\n"),
        (
            '{"ignition": {"version": "3.4.0"}, "storage": {"files": [ {"path": "/a"}, {"path": "/a", "é": 1}]}}',
            """error at $.storage.files.1, line 1 col 76: duplicate entry defined
warning at $.storage.files.1.é, line 1 col 90: unused key é
""",
        ),
        (
            '{"ignition": {"version": "3.4.0"},\n "STORAGE": {"files": [{"path": "a"}]}}',
            """error at $.storage.files.0.path, line 1 col 2: path not absolute
warning at $.STORAGE, line 2 col 2: unused key STORAGE
""",
        ),
        (
            '{"ignition": {"version": "3.4.0"},\n "storage": {"filesystems": [{"format": "ext4"}]}}',
            "error at $.storage.filesystems.0.device, line 2 col 31: path not specified\n",
        ),
        (
            '{"ignition": {"version": "3.4.0"},\n "storage": {"files": [{"path": 1}, {"path": "a"}]}}',
            "error at line 2 col 34: expected a string, found a number\n",
        ),
        (
            '{"ignition": {"version": "2.3.0"},\n "storage": {"files": [{"path": 1}]}}',
            "error at line 2 col 34: expected a string, found a number\n",
        ),
        (
            '{"ignitionVersion": 1,\n "storage": {"filesystems": [{"device": 1}]}}',
            "error at line 2 col 42: expected a string, found a number\n",
        ),
    ],
)
def test_the_report_of_ignition(text: str, report: str) -> None:
    assert ignition_report(text.encode(), validate(text.encode())) == report
