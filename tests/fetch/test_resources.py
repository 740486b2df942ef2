"""Resources of every encoding: verified, decompressed, bounded, and streamed in constant memory."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
from base64 import b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.config.format import (
    Config,
    ConfigResource,
    HttpHeader,
    Ignition,
    Proxy,
    Resource,
    Security,
    Timeouts,
    Tls,
    Verification,
)
from provision.config.model import Secret
from provision.failures import FetchFailed, NeedsNetwork
from provision.fetch.resources import Fetcher, needs_network
from provision.fetch.schemes.verified_writer import VerifiedWriter
from provision.fetch.settings import FetchSettings
from tests.fetch.certificates import Authority
from tests.fetch.server import Answer, serve
from tests.recorded_log import RecordedLog

BODY = b"the quick brown fox\n" * 1000


def sha(data: bytes, kind: str = "sha512") -> Verification:
    return Verification(hash=f"{kind}-{hashlib.new(kind, data).hexdigest()}")


def get(**what: Any) -> bytes:
    return Fetcher(FetchSettings(http_total=3)).read(Resource(**what))


def test_an_empty_source_is_empty_contents_and_never_verified() -> None:
    assert get(source="", verification=sha(b"other"), compression="gzip") == b""


def test_data_urls_are_read_verified_and_decompressed() -> None:
    packed = "data:;base64," + b64encode(gzip.compress(BODY)).decode()
    assert get(source=packed, compression="gzip", verification=sha(BODY)) == BODY


@pytest.mark.parametrize("kind", ["sha256", "sha512"])
def test_the_hash_is_over_the_decompressed_bytes(kind: str) -> None:
    with serve({"/f": Answer(gzip.compress(BODY))}) as served:
        assert get(source=f"{served.url}/f", compression="gzip", verification=sha(BODY, kind)) == BODY


def test_hashes_may_be_written_in_upper_case() -> None:
    kind, _, digits = (sha(BODY).hash or "").partition("-")
    with serve({"/f": Answer(BODY)}) as served:
        assert get(source=f"{served.url}/f", verification=Verification(hash=f"{kind}-{digits.upper()}")) == BODY


def test_wrong_bytes_are_refused_with_both_sums() -> None:
    with serve({"/f": Answer(b"evil")}) as served, pytest.raises(FetchFailed) as failed:
        get(source=f"{served.url}/f", verification=sha(b"good"))
    calculated, expected = hashlib.sha512(b"evil").hexdigest(), hashlib.sha512(b"good").hexdigest()
    assert f"hash verification failed (calculated {calculated} but expected {expected})" in failed.value.message


def test_a_file_of_several_gzip_members_is_one_file() -> None:
    with serve({"/f": Answer(gzip.compress(b"one") + gzip.compress(b"two"))}) as served:
        assert get(source=f"{served.url}/f", compression="gzip") == b"onetwo"


@pytest.mark.parametrize(
    "body",
    [b"", b"plain text", gzip.compress(BODY)[:-9], gzip.compress(BODY) + b"rest"],
    ids=["empty", "plain", "cut", "more"],
)
def test_what_is_not_whole_gzip_is_refused(body: bytes) -> None:
    with serve({"/f": Answer(body)}) as served, pytest.raises(FetchFailed, match="gzip stream"):
        get(source=f"{served.url}/f", compression="gzip")


def test_a_gzip_bomb_is_stopped() -> None:
    bomb = gzip.compress(bytes(100 << 20))
    with serve({"/f": Answer(bomb)}) as served, pytest.raises(FetchFailed, match="200 times its size"):
        Fetcher(FetchSettings(http_total=10)).copy(Resource(source=f"{served.url}/f", compression="gzip"), BytesIO())


def test_headers_of_the_resource_are_sent() -> None:
    header = HttpHeader(name="Authorization", value=Secret("Bearer x"))
    with serve({"/f": Answer(b"")}) as served:
        get(source=f"{served.url}/f", http_headers=(header,))
    assert served.asked[0].headers["authorization"] == "Bearer x"


@pytest.mark.parametrize("header", [HttpHeader(name=""), HttpHeader(name="X-A")])
def test_headers_without_name_or_value_are_refused(header: HttpHeader) -> None:
    with pytest.raises(FetchFailed, match="HTTP header"):
        get(source="http://127.0.0.1:1/", http_headers=(header,))


def test_unknown_schemes_and_compressions_are_refused() -> None:
    with pytest.raises(FetchFailed, match="unsupported source scheme"):
        get(source="oem:///config")
    with pytest.raises(FetchFailed, match="invalid compression method"):
        get(source="http://127.0.0.1:1/", compression="xz")


@pytest.mark.parametrize(
    "source",
    [
        "http://host:99999/",
        "http://[::1/",
        "http://ho st/",
        "http:///a",
        "http://:80/",
        "tftp://host:x/a",
        "s3://[",
        "gs:",
    ],
)
def test_what_is_no_url_is_a_failure_and_no_bug(source: str) -> None:
    with pytest.raises(FetchFailed):
        Fetcher(FetchSettings(http_total=0.5, network_wait=0.2)).read(Resource(source=source))


def test_a_proxy_that_is_no_url_is_a_failure_and_no_bug() -> None:
    with pytest.raises(FetchFailed, match="proxy"):
        Fetcher(FetchSettings(http_proxy="http://p:99999")).read(Resource(source="http://192.0.2.1/"))


def test_offline_only_the_config_itself_has_bytes() -> None:
    fetcher = Fetcher(FetchSettings(offline=True))
    assert fetcher.read(Resource(source="data:,x")) == b"x"
    with pytest.raises(NeedsNetwork):
        fetcher.read(Resource(source="http://127.0.0.1:1/"))


def test_a_second_attempt_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    with serve({"/f": [Answer(b"much longer but cut", missing=5), Answer(b"short")]}) as served:
        with (tmp_path / "spool").open("w+b") as into:
            into.write(b"before ")
            Fetcher(FetchSettings(http_total=5)).copy(
                Resource(source=f"{served.url}/f", verification=sha(b"short")), into
            )
        assert (tmp_path / "spool").read_bytes() == b"before short"


PEAK = """
import sys
from tempfile import TemporaryFile
from provision.config.format import Resource
from provision.fetch.resources import Fetcher
for url in sys.argv[1:]:
    with TemporaryFile() as into:
        Fetcher().copy(Resource(source=url, compression="gzip" if url.endswith("gz") else ""), into)
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""
"""Fetches one URL after the other and tells the peak of its memory after each, in KiB."""


@pytest.mark.slow
def test_memory_stays_constant() -> None:
    many = b"".join(gzip.compress(os.urandom(1000) + bytes(100_000)) for _ in range(1000))
    pages = {"/small": Answer(b"x"), "/large": Answer(bytes(128 << 20)), "/large.gz": Answer(many)}
    with serve(pages) as served:
        command = [sys.executable, "-c", PEAK, *(served.url + path for path in pages)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    small, large, unpacked = map(int, told.split())
    assert large - small < 4 << 10
    assert unpacked - large < 8 << 10


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=3000), max_size=4), st.integers(1, 700))
def test_gzip_arrives_whole_however_it_is_cut(members: list[bytes], step: int) -> None:
    stream = b"".join(gzip.compress(member) for member in members) or gzip.compress(b"")
    into = BytesIO()
    writer = VerifiedWriter("it", Resource(compression="gzip", verification=sha(b"".join(members))), into)
    writer.take(stream[at : at + step] for at in range(0, len(stream), step))
    assert into.getvalue() == b"".join(members)


def test_highly_compressed_data_comes_out_completely() -> None:
    data = bytes(10 << 20)
    into = BytesIO()
    VerifiedWriter("it", Resource(compression="gzip", verification=sha(data)), into).take([gzip.compress(data)])
    assert len(into.getvalue()) == len(data)


def config(**ignition: Any) -> Config:
    return Config(ignition=Ignition(version="3.4.0", **ignition))


def test_a_config_decides_timeouts_and_leaves_defaults(log: RecordedLog) -> None:
    fetcher = Fetcher(FetchSettings(http_total=99, http_proxy="http://old"), log)
    asked = fetcher.configured_by(config(timeouts=Timeouts(http_total=7, http_response_headers=0))).settings
    assert (asked.http_total, asked.http_response_headers, asked.http_proxy) == (7.0, 0.0, "")
    left = fetcher.configured_by(config()).settings
    assert (left.http_total, left.http_response_headers) == (0.0, 10.0)


def test_a_config_brings_proxies(log: RecordedLog) -> None:
    proxy = Proxy(http_proxy="http://p", https_proxy="http://q", no_proxy=("a", "b"))
    settings = Fetcher(FetchSettings(), log).configured_by(config(proxy=proxy)).settings
    assert (settings.http_proxy, settings.https_proxy, settings.no_proxy) == ("http://p", "http://q", ("a", "b"))


def test_requests_go_through_the_proxy_of_the_config(log: RecordedLog) -> None:
    with serve({"http://far.example/f": Answer(b"by proxy")}) as proxy:
        fetcher = Fetcher(FetchSettings(http_total=3, network_wait=1), log).configured_by(
            config(proxy=Proxy(http_proxy=proxy.url))
        )
        assert fetcher.read(Resource(source="http://far.example/f")) == b"by proxy"


def test_authorities_are_fetched_once_and_trusted_from_then_on(log: RecordedLog, ca: Authority) -> None:
    with (
        serve({"/ca.pem": Answer(ca.certificate)}) as plain,
        serve({"/f": Answer(b"safe")}, tls=ca.issue("localhost")) as served,
    ):
        authority = ConfigResource(source=f"{plain.url}/ca.pem", verification=sha(ca.certificate))
        asks = config(security=Security(tls=Tls(certificate_authorities=(authority,))))
        fetcher = (
            Fetcher(FetchSettings(http_total=3), log).configured_by(asks).configured_by(asks).configured_by(config())
        )
        assert fetcher.read(Resource(source=f"{served.url}/f")) == b"safe"
    assert len(plain.asked) == 1


def test_a_bundle_that_is_none_is_refused(log: RecordedLog) -> None:
    authority = ConfigResource(source="data:,no%20certificate")
    with pytest.raises(FetchFailed, match="unable to decode PEM block"):
        Fetcher(FetchSettings(), log).configured_by(
            config(security=Security(tls=Tls(certificate_authorities=(authority,))))
        )


def test_what_a_config_needs_the_network_for() -> None:
    from provision.config.format import Clevis, ClevisCustom, File, Luks, Storage, Tang

    def with_clevis(clevis: Clevis) -> Config:
        return Config(storage=Storage(luks=(Luks(name="a", clevis=clevis),)))

    remote = File(path="/a", contents=Resource(source="HTTP://x"))
    assert needs_network(Config(storage=Storage(files=(remote,))))
    assert not needs_network(Config(storage=Storage(files=(File(path="/a", contents=Resource(source="data:,")),))))
    assert not needs_network(Config())
    assert needs_network(with_clevis(Clevis(tang=(Tang(url="http://t"),))))
    assert not needs_network(with_clevis(Clevis(tang=(Tang(url="http://t", advertisement="{}"),))))
    assert needs_network(with_clevis(Clevis(custom=ClevisCustom(pin="p", needs_network=True))))
    assert not needs_network(with_clevis(Clevis(custom=ClevisCustom(pin="p"))))
