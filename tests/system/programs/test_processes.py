from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from provision.system.programs import processes


def test_status_and_both_outputs() -> None:
    done = processes.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert done == (3, "out\nerr\n")


def test_a_signal_is_a_negative_status() -> None:
    assert processes.run(["sh", "-c", "kill -9 $$"]).status == -9


def test_input_is_empty_unless_it_is_given() -> None:
    assert processes.run(["cat"]).output == ""
    secret = processes.memory_file(b"x" * 3_000_000)
    assert processes.run(["wc", "-c"], stdin=secret).output.strip() == "3000000"
    os.close(secret)


def test_what_a_program_tells_is_whole_and_bounded() -> None:
    data = os.urandom(3_000_000)
    assert processes.output_of(["sh", "-c", "cat; echo no >&2"], data, 3_000_000) == data
    assert processes.output_of(["sh", "-c", "echo out; exit 1"], b"", 100) is None
    with pytest.raises(ValueError, match="more than 1000"):
        processes.output_of(["cat", "/dev/zero"], b"", 1000)


def test_a_kept_descriptor_can_be_named() -> None:
    key = processes.memory_file(b"key")
    assert processes.run(["cat", f"/proc/self/fd/{key}"], keep=[key]).output == "key"
    assert processes.run(["cat", f"/proc/self/fd/{key}"]).status != 0
    os.close(key)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"Writing inode tables:  0/16\b\b\b\b\b     \b\b\b\b\bdone   \n\n", ["Writing inode tables: done"]),
        (r"12 of 90\r 90 of 90\r\ndone\r\n", [" 90 of 90", "done"]),
        (r"\033[1;31merror:\033[0m no \033]0;x\a", ["error: no ]0;x"]),
        (r"a\tb\n\nc", ["a\tb", "c"]),
        ("", []),
    ],
)
def test_lines_are_as_a_terminal_shows_them_in_the_end(written: str, shown: list[str]) -> None:
    done = processes.run(["printf", written])
    assert done.lines == shown
    assert done.last_lines == "\n".join(shown)


def test_output_is_bounded_and_its_end_is_kept() -> None:
    done = processes.run(["sh", "-c", "yes | head -c 3000000; echo the end"])
    assert len(done.output) <= 1 << 20
    assert done.last_lines.endswith("the end")
    assert len(done.last_lines.splitlines()) == 12


def test_messages_are_in_english_and_may_hold_any_bytes() -> None:
    assert processes.run(["sh", "-c", "echo $LC_ALL"]).output == "C\n"
    assert processes.run(["printf", r"\377"]).output == "\ufffd"


def test_a_child_can_be_stopped_by_a_closed_pipe() -> None:
    assert processes.run(["sh", "-c", "grep SigIgn /proc/self/status"]).output.split()[1][-4] == "0"


def test_programs_are_found_on_path_only(tmp_path: Path) -> None:
    assert processes.find("sh") is not None
    assert processes.find("/bin/sh") == "/bin/sh"
    assert processes.find("no-such-program") is None
    assert processes.find(str(tmp_path)) is None
    with pytest.raises(FileNotFoundError):
        processes.run(["no-such-program"])


def test_many_at_a_time() -> None:
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda number=number: results.append(processes.run(["echo", str(number)]).output))
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, results)) == list(range(16))
