"""What libyaml says about a text that is not YAML, in words for authors, with what to do.

Source: libyaml 0.2, `scanner.c` and `parser.c`; PyYAML's reader, which decodes the bytes before libyaml gets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class SyntaxMessage(NamedTuple):
    """A message and a hint."""

    message: str
    hint: str


_REMOVE_PERCENT = "remove this line; a value that begins with % is written in quotes"
_DIRECTIVE = SyntaxMessage(
    "a line that begins with % is an instruction to YAML, and this one is wrong", _REMOVE_PERCENT
)
_TAG = SyntaxMessage("! begins a YAML tag here, and this one is wrong", "put a value that begins with ! in quotes")
_AFTER_BAR = SyntaxMessage(
    "after | or >, only + or - and a digit from 1 to 9 may follow", "begin the text on the next line, indented"
)
_NUMBERED = SyntaxMessage(
    "this is no character: \\x has two hexadecimal digits after it, \\u four and \\U eight, at most 10FFFF",
    "write the character itself, or put a text with backslashes in single quotes",
)
TAB = SyntaxMessage("the indentation of this line has a tab", "YAML is indented with spaces, never with tabs")
NOT_UTF_8 = SyntaxMessage("this is not UTF-8", "save the file as UTF-8")
INCOMPATIBLE = "found incompatible YAML document"
NO_VALUE = "did not find expected node content"
_QUOTE = SyntaxMessage("a quote is not closed", "close it; inside quotes, write a quote twice ('') or as \\\"")
_BRACKET = SyntaxMessage("a bracket is not closed, or a comma is missing in it", "close it with ] or }")
_NAME = SyntaxMessage(
    "the name of a YAML anchor or alias (& or *) has letters, digits, - and _ only", "put the value in quotes"
)

SYNTAX_MESSAGES: Mapping[str, SyntaxMessage] = {
    "block sequence entries are not allowed in this context": SyntaxMessage(
        "a list cannot begin in this line",
        "begin the list in the next line, or put a text that begins with - in quotes",
    ),
    "could not find expected ':'": SyntaxMessage(
        "a line of `name: value` is expected here",
        "write a colon and a space after the name, and indent the line as the lines around it",
    ),
    "could not find expected directive name": _DIRECTIVE,
    "did not find URI escaped octet": _TAG,
    "did not find expected '!'": _DIRECTIVE,
    "did not find expected ',' or ']'": _BRACKET,
    "did not find expected ',' or '}'": _BRACKET,
    "did not find expected '-' indicator": SyntaxMessage(
        "an element of the list above is expected here",
        "begin it with `- `, or indent it as the other keys of its element",
    ),
    "did not find expected <document start>": SyntaxMessage(
        "the config has ended above, but more text follows",
        "remove a closing bracket too many, a line `...`, or a line that begins with %",
    ),
    "did not find expected alphabetic or numeric character": _NAME,
    "did not find expected comment or line break": _AFTER_BAR,
    "did not find expected digit or '.' character": _DIRECTIVE,
    "did not find expected hexdecimal number": _NUMBERED,
    "did not find expected key": SyntaxMessage(
        "a key of the mapping above is expected here",
        "indent this line as the lines around it, or close a quote or bracket above it",
    ),
    NO_VALUE: SyntaxMessage(
        "a value is expected here",
        "write the value; put a value that begins with one of [ ] { } , - ? : in quotes",
    ),
    "did not find expected tag URI": _TAG,
    "did not find expected version number": _DIRECTIVE,
    "did not find expected whitespace": _DIRECTIVE,
    "did not find expected whitespace or line break": _TAG,
    "did not find the expected '>'": _TAG,
    "found a tab character that violates indentation": TAB,
    "found a tab character where an indentation space is expected": TAB,
    "found an incorrect leading UTF-8 octet": _TAG,
    "found an incorrect trailing UTF-8 octet": _TAG,
    "found an indentation indicator equal to 0": _AFTER_BAR,
    "found character that cannot start any token": SyntaxMessage(
        "a value cannot begin with this character", "put a value that begins with @, `, % or a tab in quotes"
    ),
    "found duplicate %TAG directive": _DIRECTIVE,
    "found duplicate %YAML directive": _DIRECTIVE,
    "found extremely long version number": _DIRECTIVE,
    INCOMPATIBLE: SyntaxMessage("the document declares a YAML version other than 1.1", "remove the %YAML line"),
    "found invalid Unicode character escape code": _NUMBERED,
    "found undefined tag handle": _TAG,
    "found unexpected ':'": SyntaxMessage(
        "inside [ ] or { }, a colon separates a key and its value, and needs a space after it",
        "put a value with a colon in quotes",
    ),
    "found unexpected document indicator": _QUOTE,
    "found unexpected end of stream": _QUOTE,
    "found unexpected non-alphabetical character": _DIRECTIVE,
    "found unknown directive name": _DIRECTIVE,
    "found unknown escape character": SyntaxMessage(
        "inside double quotes, a backslash has a meaning, and not before this character",
        "put a text with backslashes in single quotes",
    ),
    "mapping keys are not allowed in this context": SyntaxMessage(
        "? begins a key of a mapping, which is not allowed here", "put a value that begins with ? in quotes"
    ),
    "mapping values are not allowed in this context": SyntaxMessage(
        "`: ` begins a mapping, which is not allowed here", "put the whole text in quotes"
    ),
    "control characters are not allowed": SyntaxMessage(
        "this is a control character, which YAML does not allow",
        'delete it; in double quotes, "\\x1b" stands for such a character',
    ),
}
"""Message of libyaml -> message and hint. What is not here is about bytes: NOT_UTF_8."""
