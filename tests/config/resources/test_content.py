"""The bytes of a resource: decompression, checksums, and what a config holds."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provision.config.format import Resource, Verification
from provision.config.resources.content import STEP, Checksum, ContentInvalid, Gunzip, inline_content


def packed(data: bytes, expected: str | None = None) -> Resource:
    source = f"data:;base64,{b64encode(gzip.compress(data)).decode()}"
    return Resource(source=source, compression="gzip", verification=Verification(hash=expected))


@given(st.lists(st.binary(max_size=100), min_size=1), st.integers(1, 40))
def test_a_stream_of_any_members_in_any_pieces(members: list[bytes], size: int) -> None:
    stream = b"".join(map(gzip.compress, members))
    gunzip = Gunzip()
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert b"".join(part for piece in pieces for part in gunzip.feed(piece)) == b"".join(members)
    assert gunzip.is_whole


@given(st.binary(min_size=1), st.data())
def test_a_stream_that_is_cut_short_is_not_whole(data: bytes, drawn: st.DataObject) -> None:
    stream = gzip.compress(data)
    gunzip = Gunzip()
    list(gunzip.feed(stream[: drawn.draw(st.integers(0, len(stream) - 1))]))
    assert not gunzip.is_whole


def test_no_step_is_large() -> None:
    assert max(map(len, Gunzip().feed(gzip.compress(bytes(5 * STEP))))) <= STEP


def test_many_members_do_not_cost_their_square() -> None:
    """For each member zlib copies the bytes that follow it: 400 GB for 200,000 members in one piece."""
    stream = gzip.compress(b"") * 200_000
    gunzip = Gunzip()
    assert b"".join(gunzip.feed(stream)) == b""
    assert gunzip.is_whole


@pytest.mark.parametrize(
    "stream", [b"xyz", b"\x1f\x8bxyz", gzip.compress(b"a") + b"xyz"], ids=["text", "header", "rest"]
)
def test_what_is_not_gzip_is_refused(stream: bytes) -> None:
    with pytest.raises(ContentInvalid, match="gzip"):
        list(Gunzip().feed(stream))


@pytest.mark.slow
def test_contents_that_grow_beyond_the_limit_are_refused_before_they_are_whole() -> None:
    resource = packed(bytes(300 << 20))
    tracemalloc.start()
    with pytest.raises(ContentInvalid, match="may decompress to 64 MiB; fetch this one from a URL"):
        inline_content(resource, 1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@given(st.binary())
def test_contents_are_verified_after_decompression(data: bytes) -> None:
    for function in ("sha512", "sha256"):
        written = f"{function}-{hashlib.new(function, data).hexdigest()}"
        assert inline_content(packed(data, written)) == data
        assert inline_content(packed(data, written.upper().replace("SHA", "sha"))) == data
        with pytest.raises(ContentInvalid, match="hash verification failed"):
            inline_content(packed(data + b"x", written))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "malformed hash specifier"),
        ("sha512", "malformed hash specifier"),
        ("md5-0", "unrecognized hash function"),
        ("sha256-", "not 64 hexadecimal digits"),
        ("sha256-" + "g" * 64, "not 64 hexadecimal digits"),
        ("sha512-" + "0" * 64, "not 128 hexadecimal digits"),
    ],
)
def test_what_is_no_checksum_is_refused(written: str, message: str) -> None:
    """An empty checksum verifies nothing, so it is refused like any other invalid one."""
    with pytest.raises(ContentInvalid, match=message):
        Checksum(written)


@pytest.mark.parametrize("source", [None, ""])
def test_no_source_is_an_empty_content(source: str | None) -> None:
    assert inline_content(Resource(source=source, compression="gzip", verification=Verification(hash="x"))) == b""


def test_what_must_be_fetched_has_no_content_here() -> None:
    assert inline_content(Resource(source="https://example.com")) is None


@pytest.mark.parametrize("source", ["data:", "data:;base64,a"])
def test_a_data_url_that_cannot_be_decoded_is_refused(source: str) -> None:
    with pytest.raises(ContentInvalid):
        inline_content(Resource(source=source))
