"""URLs and data URLs, as Go and Ignition's lexer read them."""

from __future__ import annotations

import itertools
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.format import Config, File, Resource, Storage
from provision.config.model import NEWEST, minor
from provision.config.resources.data_urls import BadDataUrl, decode_data_url
from provision.config.resources.urls import Url, parse_url, path_of, redacted, url_error
from provision.config.rules import check_rules


@given(st.binary())
def test_data_comes_back(data: bytes) -> None:
    assert decode_data_url(f"data:,{quote(data)}") == data
    assert decode_data_url(f"data:;base64,{b64encode(data).decode()}") == data
    assert decode_data_url(f'data:text/plain;charset="utf-8";base64,{b64encode(data).decode()}') == data
    assert url_error(f"data:,{quote(data)}", 0) == ""


@pytest.mark.parametrize("url", ["data:text/,xy", "data:text/;a=b,xy", "data:x-/,xy", "data:;a=b;c=d,xy", "data:,xy"])
def test_a_media_type_may_be_short(url: str) -> None:
    """vincent-petithory/dataurl accepts an empty subtype."""
    assert decode_data_url(url) == b"xy"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DATA:,x", "missing data prefix"),
        ("data:", "missing comma before data"),
        ("data:text", "missing media type slash"),
        ("data:text=", "invalid character for media type"),
        ("data:foo/bar,", "invalid media type"),
        ("data:é", "invalid character after data prefix"),
        ("data:text/plain", "incomplete media type"),
        ("data:text/pl ain,", "invalid character for media subtype"),
        ("data:;,", "unterminated parameter sequence"),
        ("data:;a", "unterminated parameter sequence"),
        ("data:;a b", "invalid character for parameter attribute"),
        ("data:;a=", "missing comma before data"),
        ("data:;a= ,", "invalid character for parameter value"),
        ("data:;a=,", "invalid character for parameter value"),
        ("data:;a=b(,", "invalid character for parameter value"),
        ('data:;a="b,', "unclosed quoted string"),
        ('data:;a="b"c,', "expected semicolon or comma"),
        ('data:;a="\\z",', "invalid syntax"),
        ("data:;secret,", "expected base64"),
        ("data:, ", "invalid data character"),
        ("data:;base64,a b", "invalid data character"),
        ("data:;base64,YQ=", "illegal base64 data at input byte 3"),
        ("data:,%", "rfc2396: unexpected end of unescape sequence"),
        ("data:,%zz", "rfc2396: invalid char 0x25 in unescape sequence"),
    ],
)
def test_bad_data_urls(text: str, message: str) -> None:
    with pytest.raises(BadDataUrl) as raised:
        decode_data_url(text)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ("=", 0),
        ("A", 0),
        ("AA=", 3),
        ("AA==A", 4),
        ("AA=A", 2),
        ("AAA=A", 4),
        ("AAAAA", 4),
        ("AA\n=A", 3),
        ("AA=\n=\nA", 6),
        ("AAA=\nA", 5),
    ],
)
def test_the_place_of_bad_base64_is_the_one_that_go_names(data: str, place: int) -> None:
    with pytest.raises(BadDataUrl, match=f"at input byte {place}$"):
        decode_data_url(f"data:;base64,{data}")


def test_padding_fills_the_last_four_characters_of_base64() -> None:
    """RFC 4648, section 4: two letters and `==`, three and `=`, or four. Go refuses everything else."""
    for letters, padding in itertools.product(range(9), range(6)):
        good = (letters % 4, padding) in {(0, 0), (2, 2), (3, 1)}
        url = f"data:;base64,{'A' * letters}{'=' * padding}"
        assert (url_error(url, 3) == "") == good, url


def test_a_parameter_may_end_the_media_type_or_not() -> None:
    assert decode_data_url("data:text/plain;a=b,x") == b"x"
    assert decode_data_url("data:;a=b;c=d;base64,eA==") == b"x"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://a/b?c#d", Url("http", "", "a", "/b", "c")),
        ("HTTP://u:p@[::1%25eth0]:80/", Url("http", "", "[::1%25eth0]:80", "/", "")),
        ("arn:aws:s3:::b/k", Url("arn", "aws:s3:::b/k", "", "", "")),
        ("s3:/a", Url("s3", "", "", "/a", "")),
        ("", Url("", "", "", "", "")),
        ("a/b:c", Url("", "", "", "a/b:c", "")),
        ("http://é/", Url("http", "", "é", "/", "")),
        ("ftp://a:1:2/", Url("ftp", "", "a:1:2", "/", "")),
        ("http://a:1:2/", None),
        ("s3://a:1:2/", Url("s3", "", "a:1:2", "/", "")),
        ("http://a b/", None),
        ("http://a%20b/", None),
        ("http://a/%zz", None),
        ("http://[::1", None),
        ("http://[::1%]/", None),
        ("http://[::1%25%zz]/", None),
        ("http://[::1%25a%20b]/", Url("http", "", "[::1%25a%20b]", "/", "")),
        ("http://[1.2.3.4]/", None),
        ("http://a:b/", None),
        ("http://:b/", None),
        ("http://:80/", Url("http", "", ":80", "/", "")),
        ("s3://:b/", None),
        ("http://u u@a/", None),
        ("a:\x7f", None),
        ("1a:b", None),
        (":a", None),
        ("http://a/#%z", None),
    ],
)
def test_urls_are_parsed_as_go_does(text: str, url: Url | None) -> None:
    assert parse_url(text) == url


@pytest.mark.parametrize(
    ("text", "version", "message"),
    [
        ("tftp://a/b", "3.0", ""),
        ("gs://a/b", "3.1", "invalid url scheme"),
        ("gs://a/b", "3.2", ""),
        ("arn:aws:s3:::b/k", "3.3", "invalid url scheme"),
        ("arn:aws:s3:::b/k", "3.4", ""),
        ("arn:aws:s3:::b", "3.4", "invalid S3 ARN format"),
        ("arn:aws:s3:r:1:accesspoint/a", "3.4", "invalid S3 ARN format"),
        ("arn:aws:s3:r:1:accesspoint/a/object/b", "3.4", ""),
        ("arn:aws:sqs:::b/k", "3.4", "invalid S3 ARN format"),
        ("s3://b/k?versionId=", "3.0", "invalid S3 object VersionId"),
        ("s3://b/k?version%49d=1&versionId=", "3.0", ""),
        ("s3://b/k?versionId=%zz&versionId", "3.0", "invalid S3 object VersionId"),
        ("oem:///a", "3.4", "invalid url scheme"),
        ("/a", "3.4", "invalid url scheme"),
        ("http://a b", "3.4", "unable to parse url"),
    ],
)
def test_what_a_version_takes(text: str, version: str, message: str) -> None:
    assert url_error(text, minor(version)) == message


@pytest.mark.parametrize("place", [0, 1, 9])
def test_every_character_of_plain_data_is_checked(place: int) -> None:
    """Go's lexer takes the characters of RFC 2396 and percent-escapes; its URL parser refuses control characters."""
    verdicts = {char: url_error(f"data:,{'a' * place}{char}", 3) for char in map(chr, range(128)) if char != "%"}
    assert {char for char, why in verdicts.items() if why == "invalid data character"} == set(' "#<>[\\]^`{|}')
    controls = {char for char, why in verdicts.items() if why == "unable to parse url"}
    assert controls == {*map(chr, range(32)), "\x7f"}
    assert {why for why in verdicts.values() if why} == {"invalid data character", "unable to parse url"}


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    parse_url(text)
    url_error(f"data:{text}", NEWEST)
    url_error(text, NEWEST)


def test_the_path_of_a_url_is_kept_without_data_and_without_secrets() -> None:
    assert path_of("https://u:p@example.com/a/b.ign?token=c") == "/a/b.ign"
    assert path_of("data:,/secret") == ""


def test_urls_are_shown_without_secrets() -> None:
    assert redacted("https://u:p@a/b?c=d#e") == "https://a/b"
    assert redacted("http://[::1]:80/a@b") == "http://[::1]:80/a@b"
    assert redacted("http://u:pa/ss@host/x") == "http://..."
    assert redacted("http://u:pa?ss@host/x") == "http://..."
    assert redacted("http://u:pa#ss@host/x") == "http://..."
    assert redacted("http://u:12/ss@host/x") == "http://u:..."
    assert redacted("http://u:pa@ss/w@host/x") == "http://..."
    assert redacted("http://u:pa@ss?w@host/x") == "http://..."
    assert redacted("http:/u:pass@host/x") == "http:..."
    assert redacted("u:pass@host/x") == "u:..."
    assert redacted("//u:pass@host/x") == "//u:..."
    assert redacted("oem:///config.ign") == "oem:///config.ign"
    assert redacted("http://host/a@b") == "http://host/a@b"
    assert redacted("data:,secret") == "data URL"


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://[", "percent form"),
        ("data:,%zz", "percent form"),
        ("data:;base64,!", "base64"),
        ("ftp://x", "known schemes"),
        ("s3://b/k?versionId=", "versionId=ID"),
        ("arn:aws:s3", "arn:aws:s3:::"),
    ],
)
def test_every_wrong_url_has_a_remedy(url: str, remedy: str) -> None:
    file = File(path="/a", contents=Resource(source=url))
    (problem,) = check_rules(Config(storage=Storage(files=(file,))), NEWEST)
    assert remedy in problem.hint


@pytest.mark.parametrize("shift", range(4))
def test_escapes_of_a_long_text_stay_whole(shift: int) -> None:
    text = "x" * shift + "%41=%25~" * 20_000
    assert decode_data_url(f"data:,{text}") == b"x" * shift + b"A=%~" * 20_000
