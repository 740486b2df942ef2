"""Configs that are made to fit into user data."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import lzma
import random
from typing import Any

import pytest

from provision.commands.given_config import merge_references
from provision.config.format import Config
from provision.config.json_text.encode import encode
from provision.config.merge import merge
from provision.config.resources.content import inline_content
from provision.config.validate import validate
from provision.fetch.references import render
from provision.fetch.resources import Fetcher
from provision.fetch.settings import FetchSettings
from provision.fetch.user_data.reading import read_config
from provision.system.zstd import unzstd
from tests.recorded_log import RecordedLog
from transpiler.authoring.compare import config_changes
from transpiler.authoring.packing import CannotPackError, Packed, Reader, compressed, pack, zstd_compressor

URL = "https://example.com/second.ign"
LIMIT = 16 * 1024


def data(size: int, seed: int = 0) -> dict[str, str]:
    raw = random.Random(seed).randbytes(size)
    return {"source": f"data:;base64,{base64.b64encode(raw).decode()}"}


def read(text: str | bytes) -> Config:
    raw = text.encode() if isinstance(text, str) else text
    validation = validate(raw)
    assert validation.config is not None, validation
    return validation.config


def config(**sections: Any) -> Config:
    return read(json.dumps({"ignition": {"version": "3.4.0"}, **sections}))


def unpacked(packed: Packed) -> Config:
    """What a machine makes of a packed config."""
    first = read(packed.first.data)
    replaced = first.ignition.config.replace
    if replaced.source is not None:
        contents = inline_content(replaced)
        assert contents is not None
        first = read(contents)
    if not packed.second:
        return first
    reference, *others = first.ignition.config.merge
    digits = hashlib.sha512(packed.second.encode()).hexdigest()
    assert (reference.source, reference.verification.hash) == (URL, f"sha512-{digits}")
    settings = first.ignition.config.changed(merge=tuple(others))
    return merge(first.changed(ignition=first.ignition.changed(config=settings)), read(packed.second))


MANY = config(
    ignition={
        "version": "3.4.0",
        "config": {"merge": [{"source": "https://example.com/a"}]},
        "timeouts": {"httpTotal": 9},
    },
    passwd={"users": [{"name": "core", "passwordHash": "$y$a"}]},
    storage={
        "files": [
            {"path": f"/opt/{number}", "mode": 0o600 if number % 2 else 0o644, "contents": data(1500, number)}
            for number in range(12)
        ],
        "links": [{"path": "/opt/link", "target": "0"}],
    },
    systemd={"units": [{"name": "a.service", "enabled": True, "contents": "[Service]\nExecStart=/bin/true\n" * 200}]},
)


@pytest.mark.parametrize(("limit", "form"), [(1 << 20, "plain"), (LIMIT + 8192, "split"), (LIMIT, "split")])
def test_nothing_is_lost(limit: int, form: str) -> None:
    packed = pack(MANY, 4, limit, URL)
    assert packed.form == form
    assert packed.size <= limit
    assert config_changes(MANY, unpacked(packed)) == []


def test_as_little_as_possible_is_moved_and_public_parts_first() -> None:
    packed = pack(MANY, 4, LIMIT, URL)
    assert packed.moved
    assert not any(one.private for one in packed.moved)
    assert pack(MANY, 4, LIMIT - 4000, URL).moved[: len(packed.moved)] == packed.moved


def test_equal_contents_take_their_place_once() -> None:
    files = [{"path": f"/opt/{number}", "contents": data(6000)} for number in range(9)]
    packed = pack(config(storage={"files": files}), 4, LIMIT)
    assert packed.form == "compressed"
    assert [one.path for one in unpacked(packed).storage.files] == [one["path"] for one in files]


def test_contents_that_are_compressed_may_be_compressed_together() -> None:
    words = [base64.b64encode(random.Random(one).randbytes(30)).decode() for one in range(40)]
    texts = ["\n".join(words) + f"\n{number}\n" for number in range(20)]
    files = [
        {
            "path": f"/opt/{number}",
            "contents": {
                "compression": "gzip",
                "source": f"data:;base64,{base64.b64encode(gzip.compress(text.encode())).decode()}",
            },
        }
        for number, text in enumerate(texts)
    ]
    before = config(storage={"files": files})
    made = compressed(before, 4)
    assert len(made.data) < len(json.dumps(files)) / 5
    assert config_changes(before, unpacked(Packed("compressed", made))) == []


def test_a_version_without_compressed_configs_gets_the_first_that_has_them() -> None:
    text = compressed(config(), 0).data
    assert json.loads(text)["ignition"]["version"] == "3.1.0"


def test_what_cannot_be_moved() -> None:
    keys = [f"ssh-ed25519 {base64.b64encode(random.Random(one).randbytes(51)).decode()}" for one in range(300)]
    many = config(passwd={"users": [{"name": "core", "sshAuthorizedKeys": keys}]})
    with pytest.raises(CannotPackError) as failed:
        pack(many, 4, 4096, URL)
    assert failed.value.smallest > 4096


def test_the_smallest_form_is_named() -> None:
    whole = len(encode(Config(), 4)) + 1
    with pytest.raises(CannotPackError) as failed:
        pack(Config(), 4, 1)
    assert failed.value.smallest == whole < len(compressed(Config(), 4).data)


def test_without_an_address_nothing_is_moved() -> None:
    with pytest.raises(CannotPackError):
        pack(MANY, 4, LIMIT)


TEXTS = config(
    storage={
        "files": [{"path": f"/opt/{one}", "contents": {"source": f"data:,{'text' * 90}{one}"}} for one in range(90)]
    }
)


def with_zstd(*, takes_bytes: bool) -> Reader:
    compressor = zstd_compressor()
    if compressor is None:
        pytest.skip("not installed: backports.zstd")
    return Reader({"zstd": compressor}, takes_bytes)


@pytest.mark.parametrize("takes_bytes", [False, True])
@pytest.mark.parametrize("compression", ["xz", "zstd"])
def test_the_engine_reads_what_is_made_for_it(compression: str, takes_bytes: bool) -> None:
    """The engine finds any config of a machine by the same function. xz is not chosen for authors, but is like zstd."""
    reader = Reader({"xz": lzma.compress}, takes_bytes) if compression == "xz" else with_zstd(takes_bytes=takes_bytes)
    packed = pack(TEXTS, 4, 2000, reader=reader)
    assert packed.first.compression == compression
    assert packed.first.other_sizes["gzip"] > packed.size
    log = RecordedLog()
    found = read_config(packed.first.data, "user-data", log, unzstd)
    fetcher = Fetcher(FetchSettings(unzstd=unzstd), log)
    assert config_changes(TEXTS, render(found, fetcher, log).config) == []
    assert config_changes(TEXTS, merge_references(found, 0).config) == []
    assert pack(TEXTS, 4, 4000).first.compression == "gzip"
    assert (takes_bytes and packed.size < 1000) or packed.first.data.startswith(b"{")


def test_bytes_are_a_quarter_smaller_than_text() -> None:
    texts, whole = (pack(TEXTS, 4, 4000, reader=Reader({}, one)).size for one in (False, True))
    assert whole < 0.75 * texts


def test_the_smaller_compression_is_taken() -> None:
    worse = Reader({"worse": lambda contents: contents})
    made = compressed(TEXTS, 4, worse)
    assert (made.compression, list(made.other_sizes)) == ("gzip", ["worse"])
    assert made.data == compressed(TEXTS, 4).data


def test_a_merged_config_still_wins_over_what_was_moved() -> None:
    first = pack(MANY, 4, LIMIT, URL)
    replaced = read(first.first.data).ignition.config.replace
    inner = read(inline_content(replaced) or b"") if replaced.source else read(first.first.data)
    assert [one.source for one in inner.ignition.config.merge] == [URL, "https://example.com/a"]
