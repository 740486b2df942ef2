"""Random configs of any version: nearly valid ones, and ones with errors of many kinds.

Everything is drawn from a `Random`, which hypothesis can supply (and shrink) as well as a fuzzer with a seed.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

from provision.config.format import FORMATS, RAID_LEVELS, Config
from provision.config.model import VERSIONS, Field, Record
from provision.config.problems import Path
from provision.config.validate import validate

GUID = "01234567-89AB-CDEF-EDCB-A98765432101"
PATHS = ("/a", "/b", "/a/b", "/etc/systemd/system/a.service", "/etc/systemd/system/a.service.d/x.conf", "/c")
BAD_PATHS = ("", "a", "/a/", "/a//b", "/a/../b", "//a", "/.", "/")
URLS = (
    "",
    "http://example.com/a",
    "https://user:pw@[::1]:80/x?y#z",
    "data:,",
    "data:,a%20b",
    "data:;base64,YWJj",
    "data:text/plain;charset=utf-8;base64,YQ==",
    "s3://bucket/key",
    "s3://bucket/key?versionId=1",
    "tftp://host/x",
    "gs://bucket/x",
    "arn:aws:s3:::bucket/key",
    "arn:aws:s3:us-west-1:123456789012:accesspoint/test/object",
)
BAD_URLS = (
    "oem:///x",
    "file:///x",
    "DATA:,x",
    "data:",
    "data:x",
    "data:,%",
    "data:,%zz",
    "data:,a b",
    "data:;base64,a",
    "data:;base64,YQ=",
    "data:;base64,YQ=a",
    "data:;base65,YWJj",
    "data:foo/bar,x",
    "data:text,x",
    "data:text/pl ain,x",
    "data:text/plain;,x",
    'data:text/plain;a="b,x',
    'data:text/plain;a="b\\"",x',
    "data:text/plain;a=b%2,x",
    "data:text/plain;a=b x,x",
    "data:é",
    "data:,é",
    "data:,a\nb",
    "http://a b/",
    "http://[::1",
    "http://a:port/",
    "http://a/%zz",
    "http://us er@a/",
    "://x",
    "1a:b",
    "a/b:c",
    "s3://bucket/key?versionId=",
    "s3://bucket/key?versionId",
    "s3://bucket/key?a;versionId=&versionId=1",
    "s3://bucket/k?versionId=%zz",
    "arn:aws:s3:::bucket",
    "arn:aws:iam:::bucket/key",
    "arn:aws:s3:us-west-1:123456789012:accesspoint/test",
    "arn:aws:s3:::bucket/key?versionId=",
    "arn:short",
    "http://a#%zz",
    "\x7f",
)
UNITS = (
    "",
    "[Unit]\n",
    "[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n",
    "[Service]\nExecStart=/bin/true \\\n  --x\n# comment \\\n more\n[Install]\n",
    "no section at all",
    "; [not a section\n[Install]\nAlias=x\n",
)
BAD_UNITS = (
    "[Unit",
    "[Unit] junk\n",
    "[Unit]\nx\n",
    "[Unit]\nx",
    "[Unit]\n" + "x" * 3000,
    "[Unit]\nA=" + "x" * 2100 + "\n",
    "[Unit]\nA=" + "x" * 5000 + "\nB=1\n",
    "# " + "y" * 9000 + "\n[Install]\nA=1\n",
    "[Unit]\nA=1\n" * 300 + "B=" + "z" * 2047 + "\n",
    "[A]\n=1\n[\n]\nb=\\\n\\\n",
)
CHOICES: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "path": (PATHS, BAD_PATHS),
    "device": (("/dev/a", "/dev/b", "/dev/c"), ("", "dev", "/dev//a", "x" * 40)),
    "devices": (("/dev/a", "/dev/b"), BAD_PATHS),
    "source": (URLS, BAD_URLS),
    "url": (("http://tang", "https://tang/x"), ("", "ftp://x", "http://[", "tang")),
    "http_proxy": (("http://p:1", "https://p"), ("", "p", "http://[", "ftp://p")),
    "https_proxy": (("http://p:1", "https://p"), ("", "p", "http://[", "ftp://p")),
    "compression": (("", "gzip"), ("xz", "GZIP")),
    "hash": (("sha512-" + "0" * 128, "sha256-" + "f" * 64), ("", "sha512", "sha512-", "md5-0", "sha256-0", "-")),
    "mode": ((420, 493, 0, 0o7777, 0o4755), (-1, 0o10000, 644, -4096)),
    "contents": (UNITS, BAD_UNITS),
    "format": (tuple(FORMATS), ("", "ext5", "EXT4")),
    "level": (tuple(RAID_LEVELS), ("", "raid7")),
    "label": (("root", "l" * 11, "", "l" * 12), ("l" * 16, "l" * 17, "a:b", "l" * 37, "é" * 18, "é" * 24, "l" * 257)),
    "guid": ((GUID, GUID.lower(), ""), (GUID[1:], "x" + GUID[1:], GUID + "\n")),
    "type_guid": ((GUID, ""), (GUID[1:],)),
    "number": ((0, 1, 2, 3), (-1,)),
    "size_mib": ((0, 1, 10), (-3,)),
    "start_mib": ((0, 1, 10, 20), (-3,)),
    "should_exist": ((True, False, "a", "b"), ("",)),
    "should_not_exist": (("a", "b"), ("",)),
    "pin": (("tpm2", "tang", "sss"), ("", "yubikey")),
    "thumbprint": (("abc",), ("",)),
    "advertisement": (("{}", "1", ""), ("{", "x", "[1,]")),
    "target": (("/a", "b", "../b", "/c/"), ("",)),
    "spares": ((0, 1), (-1,)),
    "threshold": ((0, 1), (-1,)),
}
NAMES = {
    "Unit": (
        ("a.service", "a@.service", "a@b.service", "b.mount", "c.timer"),
        ("", "a", "a.conf", "x/y.d", ".service"),
    ),
    "Dropin": (("x.conf", "y.conf"), ("", "x", "x.con")),
    "Luks": (("root", "data"), ("", "a/b")),
    "HttpHeader": (("X-A", "X-B"), ("",)),
}
WRONG = ("null", '"x"', "1", "1.5", "true", "[]", "{}", "[null]", "[1]", f"{10**20}", "1000.0", "-0.0", "[{}]", "[[]]")


def config(random: Random, version: int | None = None, *, faults: float = 0.02) -> dict[str, Any]:
    """Plain values of a config, in which each value is wrong with a chance of `faults`."""
    chosen = random.randrange(len(VERSIONS)) if version is None else version
    value = _record(random, Config, chosen, faults)
    value.setdefault("ignition", {})["version"] = VERSIONS[chosen]
    return value


def text(random: Random, version: int | None = None) -> bytes:
    """JSON text of a config that may be wrong in values, types, keys or syntax."""
    value: Any = config(random, version, faults=random.choice((0, 0.01, 0.05, 0.3)))
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 4))):
        mutate(random, value)
    written = _written(random, value, random.choice((0, 0, 0.02))).encode(errors="surrogatepass")
    return written if random.random() < 0.97 else _scratched(random, written)


def configs(version: int | None = None, *, faults: float = 0.02) -> st.SearchStrategy[dict[str, Any]]:
    """As `config`, for hypothesis."""
    return st.randoms(use_true_random=False).map(lambda random: config(random, version, faults=faults))


def valid_config(random: Random, version: int | None = None) -> Config:
    """A config without errors: a nearly valid one without the elements that are wrong."""
    value = config(random, version, faults=0)
    while (validated := validate(json.dumps(value).encode())).config is None:
        broken = {_element(problem.path) for problem in validated.problems if problem.fatal}
        for path in sorted(broken, key=lambda path: [str(part).zfill(9) for part in path], reverse=True):
            _drop(value, path)
    return validated.config


def valid_configs(version: int | None = None) -> st.SearchStrategy[Config]:
    """As `valid_config`, for hypothesis."""
    return st.randoms(use_true_random=False).map(lambda random: valid_config(random, version))


def _element(path: Path) -> Path:
    """The path of the innermost list element on a path, or the whole path."""
    depth = max((depth for depth, part in enumerate(path, 1) if isinstance(part, int)), default=len(path))
    return path[:depth]


def _drop(value: Any, path: Path) -> None:
    for part in path[:-1]:
        value = value[part]
    del value[path[-1]]


def texts(version: int | None = None) -> st.SearchStrategy[bytes]:
    """As `text`, for hypothesis."""
    return st.randoms(use_true_random=False).map(lambda random: text(random, version))


def peer_texts(newest: int) -> st.SearchStrategy[bytes]:
    """As `texts`, for versions that the peer knows, and without faults that only spoil its report."""

    def drawn(random: Random) -> bytes:
        return text(random, random.randrange(newest + 1))

    return st.randoms(use_true_random=False).map(drawn)


def _record(random: Random, record: type[Record], version: int, faults: float) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for field in record.FIELDS:
        if not field.exists(version) and random.random() > faults:
            continue
        chance = 0.95 if not field.optional and field.scalar and not field.many else 0.3
        if field.name in {"storage", "systemd", "level", "devices", "format", "target", "source", "contents"}:
            chance = 0.8
        if random.random() < chance:
            value[field.json] = _field(random, record, field, version, faults)
    return value


def _field(random: Random, record: type[Record], field: Field, version: int, faults: float) -> Any:
    if field.many:
        return [_one(random, record, field, version, faults) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    return _one(random, record, field, version, faults)


def _one(random: Random, record: type[Record], field: Field, version: int, faults: float) -> Any:
    if field.record is not None:
        return _record(random, field.record, version, faults)
    good, bad = NAMES.get(record.__name__, (("core", "a", "b"), ("",))) if field.name == "name" else _pools(field)
    return random.choice(bad if bad and random.random() < faults else good)


def _pools(field: Field) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    pools: dict[type, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
        bool: ((True, False), ()),
        int: ((0, 1, 1000), (-1,)),
        str: (("a", "b", ""), ()),
    }
    good, bad = CHOICES.get(field.name, ((), ()))
    fitting = (
        tuple(one for one in good if type(one) is field.scalar),
        tuple(one for one in bad if type(one) is field.scalar),
    )
    return fitting if fitting[0] else pools[field.scalar or str]


def mutate(random: Random, value: Any) -> None:
    """Break one thing somewhere below a value."""
    places = list(_containers(value))
    place = random.choice(places)
    if isinstance(place, list):
        _mutate_list(random, place)
        return
    keys = list(place)
    kind = random.randrange(4)
    if kind == 0 or not keys:
        place[random.choice(("unknown", "Path", "name", "mode", "x\u017f", "cex", "\u017forage", "usr"))] = _wrong(
            random
        )
        return
    key = random.choice(keys)
    if kind == 1:
        place[key] = _wrong(random)
    elif kind == 2:
        place[random.choice((key.upper(), key.capitalize(), key.replace("s", "\u017f")))] = place.pop(key)
    else:
        del place[key]


def _mutate_list(random: Random, place: list[Any]) -> None:
    if place and random.random() < 0.6:
        place.append(json.loads(json.dumps(random.choice(place))))
    else:
        place.append(_wrong(random))


def _wrong(random: Random) -> Any:
    return json.loads(random.choice(WRONG))


def _containers(value: Any) -> list[Any]:
    found = [value]
    for one in found:
        children = one.values() if isinstance(one, dict) else one
        found += [child for child in children if isinstance(child, dict | list)]
    return found


def _written(random: Random, value: Any, repeats: float) -> str:
    """JSON with random spaces, escapes and repeated keys."""
    if isinstance(value, dict):
        pairs = list(value.items())
        for key, one in list(pairs):
            if random.random() < repeats:
                pairs.insert(random.randrange(len(pairs) + 1), (random.choice((key, key.upper())), one))
        inner = ",".join(f"{_written(random, key, 0)}:{_written(random, one, repeats)}" for key, one in pairs)
        return "{" + _space(random) + inner + _space(random) + "}"
    if isinstance(value, list):
        return "[" + f",{_space(random)}".join(_written(random, one, repeats) for one in value) + "]"
    return json.dumps(value, ensure_ascii=random.random() < 0.5)


def _space(random: Random) -> str:
    return random.choice(("", "", "", " ", "\n", "\r\n\t"))


def _scratched(random: Random, raw: bytes) -> bytes:
    """The text with one byte changed, removed or inserted, or cut off after a byte."""
    place = random.randrange(len(raw) + 1)
    byte = random.choice(
        (b"", b"\x00", b"\xff", b"\xe2\x82", b"}", b"]", b'"', b"\\", b",", b"1", b"\\ud800", b"#", b"\n")
    )
    return random.choice((raw[:place], raw[:place] + byte + raw[place:], raw[:place] + byte + raw[place + 1 :]))
