"""PyYAML's two parsers as one: libyaml, and the parser in Python for places without libyaml, such as a browser.

Both give the same events and tokens at the same places. The parser in Python reports errors in other words than
libyaml; here they get libyaml's words, on which hints and Butane's messages depend. A test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any


def parse_events(text: bytes, *, pure: bool = False) -> Iterator[Any]:
    """The events of a text, by libyaml if PyYAML has it and `pure` is false. The iterator raises yaml.YAMLError."""
    import yaml

    if yaml.__with_libyaml__ and not pure:
        return yaml.parse(text, Loader=yaml.CLoader)
    return _in_words_of_libyaml(_without_surrogates(yaml.parse(text, Loader=_python_loader())), text)


def scan_tokens(text: str, *, pure: bool = False) -> Iterator[Any]:
    """The tokens of a text, by libyaml if PyYAML has it and `pure` is false. The iterator raises yaml.YAMLError."""
    import yaml

    loader: Any = yaml.CLoader if yaml.__with_libyaml__ and not pure else _python_loader()
    tokens: Iterator[Any] = yaml.scan(text, Loader=loader)
    return tokens if yaml.__with_libyaml__ and not pure else _in_words_of_libyaml(tokens, b"")


_LONGEST_KEY = 1024
"""Characters of a key without `?`. Source: YAML 1.1, 9.1.3, and PyYAML."""


class _QuickSteps:
    """Steps of PyYAML's scanner that are taken for each character or token, without its loops."""

    def next_possible_simple_key(self: Any) -> int | None:
        """The number of the first token that may be a key. PyYAML's loop takes minutes for 100,000 levels."""
        first = next(iter(self.possible_simple_keys.values()), None)
        return first and first.token_number

    def need_more_tokens(self: Any) -> bool:
        """Whether the next token is not known yet, or may turn out to be a key."""
        if not self.tokens:
            return not self.done
        if not self.possible_simple_keys:
            return False
        self.stale_possible_simple_keys()
        return bool(self.next_possible_simple_key() == self.tokens_taken)

    def forward(self: Any, length: int = 1) -> None:
        """Go on by some characters; in one step if none of them changes the line or has no width."""
        passed = self.buffer[self.pointer : self.pointer + length]
        if len(passed) == length and passed.isprintable():
            self.pointer += length
            self.index += length
            self.column += length
        else:
            import yaml

            yaml.reader.Reader.forward(self, length)


@cache
def _python_loader() -> Any:
    import yaml

    class PythonLoader(_QuickSteps, yaml.Loader):
        """The loader in Python. Unlike PyYAML's, it takes tabs between tokens and between words, as libyaml does.

        Its time grows with the text, not with the square of the levels.
        """

        def stale_possible_simple_keys(self: Any) -> None:
            """Forget the keys that the text has passed. They are in the order of the text, so the rest is good."""
            keys = self.possible_simple_keys
            while keys:
                level, key = next(iter(keys.items()))
                if key.line == self.line and self.index - key.index <= _LONGEST_KEY:
                    return
                if key.required:
                    super().stale_possible_simple_keys()  # it raises
                del keys[level]

        def scan_to_next_token(self: Any) -> None:
            super().scan_to_next_token()
            while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
                self.forward()
                super().scan_to_next_token()

        def scan_plain_spaces(self: Any, indent: int, start_mark: Any) -> list[str] | None:
            length = 0
            while self.peek(length) in " \t":
                length += 1
            spaces = self.prefix(length)
            self.forward(length)
            if self.peek() in "\r\n\x85\u2028\u2029":
                folded: list[str] | None = super().scan_plain_spaces(indent, start_mark)
                return folded
            return [spaces] if spaces else []

    return PythonLoader


def _without_surrogates(events: Iterator[Any]) -> Iterator[Any]:
    """The events. Raises ScannerError for an escape such as "\\ud800", which libyaml refuses: it is no character."""
    import yaml

    for event in events:
        if type(event) is yaml.ScalarEvent and _SURROGATE.search(event.value):
            mark: Any = event.start_mark
            problem = "found invalid Unicode character escape code"
            raise yaml.scanner.ScannerError("while parsing a quoted scalar", mark, problem, mark)
        yield event


_SURROGATE = re.compile("[\ud800-\udfff]")


def _in_words_of_libyaml(parts: Iterator[Any], text: bytes) -> Iterator[Any]:
    import yaml

    try:
        yield from parts
    except yaml.reader.ReaderError as error:
        if error.encoding == "unicode" and text:  # the position counts characters, where libyaml counts bytes
            error.position = len(text.decode("utf-8", "ignore")[: error.position].encode())
        error.reason = _REASONS.get(error.reason, error.reason)
        raise
    except yaml.MarkedYAMLError as error:
        error.problem = words_of_libyaml(error.problem or "", error.context or "")
        raise


def words_of_libyaml(problem: str, context: str) -> str:
    """The problem as libyaml words it. A problem that is not in the table is returned unchanged."""
    if problem.startswith("expected <block end>"):
        return "did not find expected key" if context.endswith("mapping") else "did not find expected '-' indicator"
    for pattern, words in _PROBLEMS:
        match = re.match(pattern, problem)
        if match:
            return match.expand(words)
    return problem


_PROBLEMS = (
    (r"(mapping values|mapping keys) are not allowed here", r"\1 are not allowed in this context"),
    (r"sequence entries are not allowed here", "block sequence entries are not allowed in this context"),
    (r"found character .* that cannot start any token", "found character that cannot start any token"),
    (r"found unknown escape character", "found unknown escape character"),
    (r"found unexpected document separator", "found unexpected document indicator"),
    (r"expected '<document start>', but found", "did not find expected <document start>"),
    (r"expected the node content, but found", "did not find expected node content"),
    (r"expected ',' or '(.)', but got", r"did not find expected ',' or '\1'"),
    (r"expected alphabetic or numeric character", "did not find expected alphabetic or numeric character"),
    (r"expected (a comment|chomping)", "did not find expected comment or line break"),
    (r"expected escape sequence", "did not find expected hexdecimal number"),
    (r"expected URI, but found", "did not find expected tag URI"),
    (r"expected '>', but found", "did not find the expected '>'"),
    (r"expected ' ', but found", "did not find expected whitespace or line break"),
)
"""How a problem begins in the parser in Python, and libyaml's words. Source: scanner.c and parser.c of libyaml."""

_REASONS = {
    "special characters are not allowed": "control characters are not allowed",
    "invalid start byte": "invalid leading UTF-8 octet",
    "invalid continuation byte": "invalid trailing UTF-8 octet",
    "unexpected end of data": "incomplete UTF-8 octet sequence",
    "truncated data": "incomplete UTF-16 character",
}
"""What Python's decoders and PyYAML's reader say, and libyaml's words. Source: reader.c of libyaml."""
