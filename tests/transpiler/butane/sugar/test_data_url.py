"""The shortest form of contents in a data URL, at the sizes where the form changes."""

from __future__ import annotations

import base64
import random
import zlib

import pytest

from transpiler.butane.sugar.data_url import data_url

LETTERS = "".join(random.Random(0).choices("abcdefghijklmnopqrstuvwxyz", k=80))


def length_of_compressed(contents: bytes) -> int:
    """The length of the data URL with the contents as gzip (RFC 1952: 18 bytes around the data), as Go packs them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    go = len(packer.compress(contents) + packer.flush()) + 18 + 2
    return len("data:;base64,") + len(base64.b64encode(bytes(go)))


@pytest.mark.parametrize("letters", [LETTERS[:count] for count in range(0, 80, 7)])
def test_contents_are_compressed_if_that_saves_more_than_four_bytes(letters: str) -> None:
    """Each letter makes the plain form one byte longer, so each difference of the two lengths occurs."""
    saved = {}
    for count in range(200):
        contents = (letters + "x" * count).encode()
        saved[len("data:,") + len(contents) - length_of_compressed(contents)] = data_url(contents, None, gzip=True)
    assert {0, 4, 5, 8, 40} <= saved.keys()
    assert {number for number, url in saved.items() if url.compression == "gzip"} == {n for n in saved if n > 4}


@pytest.mark.parametrize("size", range(4, 40))
def test_base64_is_chosen_if_it_is_shorter_than_escapes(size: int) -> None:
    """A form of the same length stays plain: 12 bytes are 16 in base64, whose head has 7 more characters."""
    for escaped in range(size):
        contents = b"\xff" * escaped + b"a" * (size - escaped)
        plain, encoded = len("data:,") + size + 2 * escaped, len("data:;base64,") + len(base64.b64encode(contents))
        chosen = data_url(contents, None, gzip=False).source
        assert chosen.startswith("data:;base64,") == (encoded < plain)
        assert len(chosen) == min(plain, encoded)


def test_what_is_compressed_already_is_not_compressed_again() -> None:
    contents = b"x" * 1000
    assert data_url(contents, "gzip", gzip=True).compression is None
    assert data_url(contents, "", gzip=True).compression == "gzip"
    assert data_url(contents, None, gzip=False).compression == ""
