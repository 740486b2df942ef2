"""Lines of tmpfiles.d and sysusers.d. Sources: tmpfiles.d(5), sysusers.d(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transpiler.lint.content.calendar import wrong_span
from transpiler.lint.content.kinds_of_values import is_filled_in
from transpiler.lint.content.wrong_lines import WrongLine

_TYPE = re.compile(r"[fFwdDevqQpLcbCxXrRzZtThHaAm][-+!=~^?$]*")

_MODE = re.compile(r"-|[~:]*[0-7]{3,5}")

_USER_ID = re.compile(r"-|/.*|(?:\d+|-):\S+|\d+")
_IDS = {"u": _USER_ID, "u!": _USER_ID, "g": re.compile(r"-|/.*|\d+")}
"""A type of sysusers.d -> the form of its ids."""

_ACCOUNT = re.compile(r"u!?|[gmr]")


def tmpfiles(_path: str, text: str) -> Iterator[WrongLine]:
    """What systemd-tmpfiles refuses: types, relative paths and modes. Quoted words are not judged."""
    for number, words in _words(text):
        if not _TYPE.fullmatch(words[0]):
            message = f"systemd-tmpfiles does not know the type {words[0][:20]}"
            yield WrongLine(number, "tmpfiles", message, "write, for example, d /var/lib/x 0755 root root")
        elif len(words) == 1:
            yield WrongLine(number, "tmpfiles", "systemd-tmpfiles refuses a line without a path", "write a path")
        elif not words[1].startswith(("/", "%", "$")):
            yield WrongLine(number, "tmpfiles", "systemd-tmpfiles refuses a relative path", f"write /{words[1]}")
        elif len(words) > 2 and not _MODE.fullmatch(words[2]):
            message = f"systemd-tmpfiles refuses the mode {words[2][:20]}"
            yield WrongLine(number, "tmpfiles", message, "write an octal mode such as 0755, or -")
        elif len(words) > 5 and _is_wrong_age(words[5]):
            message = f"systemd-tmpfiles refuses the age {words[5][:20]}"
            yield WrongLine(number, "tmpfiles", message, "write a time such as 10d or 1h, or -")


def _is_wrong_age(word: str) -> bool:
    """Whether a word is no age. `/` stands for a quoted word, which is not judged."""
    return word not in {"-", "/"} and not is_filled_in(word) and wrong_span(re.sub(r"^~?(?:[abcmABCM]+:)?", "", word))


def sysusers(_path: str, text: str) -> Iterator[WrongLine]:
    """What systemd-sysusers refuses: types, and lines without a name. Quoted words are not judged."""
    for number, words in _words(text):
        if not _ACCOUNT.fullmatch(words[0]):
            message = f"systemd-sysusers does not know the type {words[0][:20]}"
            yield WrongLine(number, "sysusers", message, 'write, for example, u name - "Description"')
        elif len(words) == 1 or (words[0] == "m" and len(words) == 2):
            message = "systemd-sysusers refuses a line without the name of an account"
            yield WrongLine(number, "sysusers", message, "write u name, g name, or m user group")
        elif (
            len(words) > 2
            and words[0] in _IDS
            and not is_filled_in(words[2])
            and not _IDS[words[0]].fullmatch(words[2])
        ):
            message = f"systemd-sysusers refuses the id {words[2][:20]}"
            yield WrongLine(number, "sysusers", message, "write a number, - for any free one, or the path of a file")


def _words(text: str) -> Iterator[tuple[int, list[str]]]:
    """The words of each line, with its number from 0; without comments, and up to the first quoted word."""
    for number, line in enumerate(text.split("\n")):
        if line.strip() and not line.lstrip().startswith(("#", "$")):
            plain = re.split(r"[\"'\\]", line, maxsplit=1)
            words = plain[0].split()
            if len(plain) == 1 or (words and plain[0][-1:].isspace()):
                yield number, words if len(plain) == 1 else [*words, "/", "-"]
