"""Limits: whatever the bytes, a config is validated in little memory, or refused."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from provision.config.json_text.parse import MAX_BYTES, MAX_ELEMENTS, parse_json
from provision.config.problems import MAX_PROBLEMS, Problem, ProblemList
from provision.config.validate import validate

pytestmark = pytest.mark.slow

HEAD = '{"ignition":{"version":"3.4.0"},'
MEMORY = 200 << 20
SECONDS = 10

TEXTS = {
    "one URL": """'"storage":{"files":[{"path":"/a","contents":{"source":"data:,%s"}}]}}', "a" """,
    "escapes of a URL": """'"storage":{"files":[{"path":"/a","contents":{"source":"data:,%s"}}]}}', "%41" """,
    "base64": """'"storage":{"files":[{"path":"/a","contents":{"source":"data:;base64,%s"}}]}}', "QUJD" """,
    "escapes of JSON": """'"storage":{"files":[{"path":"/a","contents":{"source":"data:,%s"}}]}}', r"\\u0041" """,
    "one unit": """'"systemd":{"units":[{"name":"a.service","contents":"[Unit]%s"}]}}', r"\\nA=b" """,
    "short lines after a long one": r"""UNIT.replace("%s", "a=\\n" * 900 + "A=" + "y" * 2100 + "%s"), "\\na=" """,
    "empty lines after a bad one": r"""UNIT.replace("%s", "A=" + "y" * 3000 + "%s"), "\\n" """,
    "lines nearly too long": r"""UNIT, "A=" + "y" * 2040 + "\\n" """,
    "one host": """'"storage":{"files":[{"path":"/a","contents":{"source":"http://%s/"}}]}}', "a." """,
    "parameters of a URL": """'"storage":{"files":[{"path":"/a","contents":{"source":"data:;%sb=c,"}}]}}', "a=b;" """,
    "one key": """'"%s":1}', "files" """,
    "one path": """'"storage":{"files":[{"path":"%s"}]}}', "/a/.." """,
    "quotes": """'"%s', '"' """,
    "unknown keys": """'%s"z":1}', '"a":1,' """,
    "a comma too many": """'"a":{%s}}', '"a":1,' """,
    "wrong types": """'"passwd":{"users":[{"sshAuthorizedKeys":[%s1]}]}}', "1," """,
    "keys twice": """'"storage":{"files":[%s{}]}}', '{"path":"/a","path":"/b"},' """,
    "bad files": """'"storage":{"files":[%s{}]}}', '{"path":"a/","mode":9999},' """,
    "links below links": """'"storage":{"links":[%s]}}', ",".join(LINK % ("/a" * depth) for depth in range(1, 5700))""",
    "files beside a link": """'"storage":{"links":[{"path":"/a","target":"b"}],"files":[%s]}}',
        ",".join('{"path":"/a%d/b%s"}' % (index, "/c" * 50) for index in range(220_000))""",
    "labels of partitions": """'"storage":{"disks":[{"device":"/dev/a","partitions":[%s]}]}}',
        ",".join('{"label":"l%d"}' % index for index in range(249_000))""",
    "labels and an unknown key": """'"x":1,"storage":{"disks":[{"device":"/dev/a","partitions":[%s]}]}}',
        ",".join('{"label":"l%d"}' % index for index in range(249_000))""",
    "wide characters": """'"a":"%s"}', "\\U0001f600" """,
}
"""A text and what is repeated in it, to the limits of size and of elements."""

PROGRAM = r"""
import re, sys, time
from provision.config.json_text.parse import MAX_BYTES, MAX_ELEMENTS
from provision.config.validate import validate
UNIT = '"systemd":{{"units":[{{"name":"a.service","contents":"[Unit]\\n%s"}}]}}}}'
LINK = '{{"path":"%s","target":"x"}}'
text, repeated = ({arguments})
elements = sum(repeated.count(one) for one in ",[{{")
count = (MAX_BYTES - 1000) // len(repeated.encode())
raw = ({head!r} + text % (repeated * (min(count, (MAX_ELEMENTS - 100) // elements) if elements else count))).encode()
del text, repeated
validation = validate(raw)
assert validation.config or validation.error
assert time.process_time() < {seconds}
print(int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) << 10)
"""


@pytest.mark.parametrize("name", TEXTS)
def test_a_config_at_the_limit_takes_little_memory_and_time(name: str) -> None:
    program = PROGRAM.format(arguments=TEXTS[name], head=HEAD, seconds=SECONDS)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < MEMORY


def test_a_long_key_is_reported_in_little_memory(tmp_path: Path) -> None:
    text = HEAD + '"' + "k" * (MAX_BYTES - 100) + '":1}'
    config = tmp_path / "long.ign"
    config.write_text(text)
    program = r"""
import re, sys
from provision.cli import run
assert run(["provision", "validate", sys.argv[1]]) == 0
print(int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) << 10)
"""
    done = subprocess.run([sys.executable, "-c", program, config], capture_output=True, text=True, check=True)
    warning, memory = done.stdout.splitlines()
    assert warning.endswith("k… [unused-key]")
    assert int(memory) < MEMORY


def test_the_limits_are_those_of_the_documentation() -> None:
    """See `docs/decisions/0003-format.md`."""
    assert (MAX_BYTES, MAX_ELEMENTS, MAX_PROBLEMS) == (32 << 20, 500_000, 10_000)


def test_of_each_severity_the_first_problems_are_kept() -> None:
    found = ProblemList()
    found.extend(Problem((number,), "x", fatal=number % 2 == 0) for number in range(3 * MAX_PROBLEMS))
    assert len(found.kept) == 2 * MAX_PROBLEMS
    assert found.left_out == MAX_PROBLEMS
    assert all(one.path < other.path for one, other in pairwise(found.kept))


def test_an_error_after_many_warnings_is_found() -> None:
    unknown = ",".join(f'"k{number}":1' for number in range(MAX_PROBLEMS + 10))
    files = '"storage":{"files":[{"path":"a"}]}'
    validation = validate(f"{HEAD}{unknown},{files}}}".encode())
    assert validation.config is None
    assert [one.message for one in validation.problems if one.fatal] == ["path not absolute"]
    assert validation.problems[-1].message == "there are more problems, which are not listed"


def test_characters_beyond_the_basic_plane_count_four_bytes() -> None:
    """Python keeps a text in four bytes a character as soon as one of them needs it."""
    raw = ('{"a": "\U0001f600' + "x" * (MAX_BYTES - 1000) + '"}').encode()
    problem = parse_json(raw).problem
    assert problem
    assert "beyond U+FFFF" in problem.message
    assert parse_json(b'{"a": "' + b"x" * (MAX_BYTES - 1000) + b'"}').problem is None


def test_structure_is_counted_outside_strings_only() -> None:
    for count in range(6):
        quoted = b'"' + b"\\\\" * count + b'\\"' + b"[" * 1000 + b'"'
        assert parse_json(b"[" + quoted + b"]").problem is None
    for padding in (65534, 65535, 65536):
        text = b'["' + b"x" * padding + b'\\"[[[", [' + b"1," * 10 + b"1]]"
        assert parse_json(text).problem is None
        assert parse_json(b"[" * 201 + text).problem
    assert parse_json(b"[" + b"1," * MAX_ELEMENTS + b"1]").problem
