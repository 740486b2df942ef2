"""No secret of a config appears in a message, an argument, a plan or a public file, whatever fails."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fetch.server import Answer, Asked, serve
from tests.real.disks.loop_devices import MIB, blank, loop
from tests.real.disks.security.canary_secrets import CANARIES as C
from tests.real.disks.security.canary_secrets import (
    CONFIG,
    FORMS,
    HEADERS,
    LUKS,
    URL,
    Watched,
    WatchedTarget,
    lacking,
    seen,
)

pytestmark = [
    pytest.mark.disks,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: namespaces, loop devices"),
    pytest.mark.skipif(bool(lacking()), reason=f"there is no {lacking()}"),
]

FETCH, FILES, DISKS = ("fetch",), ("fetch", "files"), ("fetch", "disks")
GONE = "(taken out)"
SOON: dict[str, Any] = {"ignition.timeouts.httpTotal": 1}
"""For servers that are tried until the time is over; the others get a minute."""

TALKS = """env; for one; do echo "$one"; case $one in /proc/self/fd/*) cat "$one"; echo;; esac; done; cat; exit 1"""
"""A tool that fails and tells all it was given: arguments, key files, environment, input."""

KILLS = "kill -9 $PPID"

MACHINE_ID = {"etc/machine-id": "0123456789abcdef0123456789abcdef\n"}
SELINUX = {"etc/selinux/config": "SELINUXTYPE=targeted\n"}
SMALL_MOUNT = "mkdir -p {root}/etc/secret && mount -t tmpfs -o size=64k none {root}/etc/secret"
READ_ONLY = "mount --bind {root} {root} && mount -o remount,bind,ro {root}"


class Case(NamedTuple):
    """A way to fail: the steps (the last one fails), a part of the message, and differences from the usual set-up.

    A files stage alone has no volumes, because they would have to be made before.

    `change` puts values at dotted places of the config; `text` replaces its text; `files` are in the root already;
    `booted` is the kernel's command line;
    `tells` are leaks that cannot be avoided: channel -> canaries.
    """

    says: str
    steps: tuple[str, ...] = FILES
    change: Mapping[str, Any] = {}
    text: tuple[str, str] = ("", "")
    tools: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    hidden: str = ""
    before: str = ""
    disk: bool = False
    booted: str = ""
    tells: Mapping[str, set[str]] = {}


def merge(source: str, **more: object) -> dict[str, Any]:
    return {"ignition.config.merge.0": {"source": source, "httpHeaders": HEADERS, **more}}


def body(source: str, **more: object) -> dict[str, Any]:
    return {"storage.files.4.contents": {"source": source, "httpHeaders": HEADERS, **more}}


def at(path: str) -> str:
    return URL.replace("/file", path)


CONFIG_URL = f"ignition.config.url=http://user:{C['command-line']}@{{server}}/child?token={C['command-line']}"
STATUS_URL = f"provision.status.url=http://user:{C['status']}@{{server}}/echo?token={C['status']}"
WRONG = {"hash": "sha256-" + "0" * 64}
UNSUPPORTED = dict.fromkeys(("kernelArguments", "passwd", "storage.disks", "storage.luks", "storage.filesystems"), GONE)
NO_DISKS = dict.fromkeys(("storage.disks", "storage.luks", "storage.filesystems"), GONE)
IMAGE = {"storage.luks": GONE, "storage.filesystems.0.path": "/", "kernelArguments": GONE}
ONE_VOLUME = {"storage.luks": [LUKS]}
ONLY_FILE_SYSTEMS = {"storage.luks": GONE}
BAD = {
    "passwd.users.0.passwordHash": [C["user-hash"]],
    "passwd.users.0.passwordHsh": C["user-hash"],
    "storage.files.4.contents.httpHeaders.0.value": {"x": C["header"]},
    "storage.files.0.contents.sorce": f"data:,{C['inline']}",
    "storage.files.2.mode": "0644",
    "systemd.units.0.contents": f"[Service\nTOKEN={C['unit']}\n",
}

CASES = {
    # -- getting the config
    "merge: not found": Case("404", FETCH, merge(at("/missing"))),
    "merge: refused": Case("efused", FETCH, SOON | merge(URL.replace("{server}", "127.0.0.1:1"))),
    "merge: a server that tells what it was asked": Case("HTTP status 403", FETCH, merge(at("/echo"))),
    "merge: half of it": Case("in time", FETCH, SOON | merge(at("/half"))),
    "merge: no JSON": Case("config is not valid", FETCH, merge(at("/bad-json"))),
    "merge: wrong types": Case("passwordHash", FETCH, merge(at("/bad-types"))),
    "merge: another hash": Case("hash", FETCH, merge(at("/child"), verification=WRONG)),
    "merge: not compressed": Case("gzip", FETCH, merge(at("/child"), compression="gzip")),
    "merge: itself": Case("leads to itself", FETCH, merge(at("/circle"))),
    "merge: a redirect out of HTTP": Case(
        "redirected to a URL with a backslash, a user name", FETCH, merge(at("/redirect"))
    ),
    "merge: redirects for ever": Case("more than 10 redirects", FETCH, merge(at("/round"))),
    "merge: TLS where there is none": Case("in time", FETCH, SOON | merge(URL.replace("http:", "https:"))),
    "merge: a proxy that tells": Case("407", FETCH, merge(URL.replace("{server}", "mirror.example"))),
    "merge: a proxy of another kind": Case(
        "proxy", FETCH, {**merge(at("/x")), "ignition.proxy.httpProxy": f"ftp://u:{C['proxy']}@h"}
    ),
    "merge: a scheme nobody knows": Case("scheme", FETCH, merge(URL.replace("http:", "ftp:"))),
    "merge: no URL": Case("url", FETCH, merge(URL.replace("{server}", "[bad"))),
    "merge: an empty config": Case("empty", FETCH, merge(at("/empty"))),
    "authority: no certificate": Case(
        "PEM", FETCH, {"ignition.security.tls.certificateAuthorities": [{"source": f"data:,{C['body']}"}]}
    ),
    "config: cut off": Case("config is not valid", FETCH, text=('"systemd": {', '"systemd": {!')),
    "config: a version of the future": Case("version", FETCH, {"ignition.version": "3.99.0"}),
    "config: many wrong types": Case("passwordHash", FETCH, BAD),
    "config: base64 that is none": Case(
        "invalid data character", FETCH, {"storage.files.1.contents.source": f"data:;base64,!{C['base64']}"}
    ),
    "config: percents that are none": Case(
        "invalid char", FETCH, {"storage.files.2.contents.source": f"data:,%zz{C['percent']}"}
    ),
    "config: a unit that is none": Case("unit", FETCH, {"systemd.units.0.contents": f"[Service\n{C['unit']}"}),
    "config: a drop-in that is none": Case(
        "dropins", FETCH, {"systemd.units.0.dropins.0.contents": f"[Service]\nTOKEN {C['drop-in']}\n["}
    ),
    "config: one file twice": Case("duplicate", FETCH, {"storage.files.1.path": "/etc/secret/inline"}),
    "config: a hash of no kind": Case("hash", FETCH, body(URL, verification={"hash": f"md5-{C['body']}"})),
    "fetch: no network wanted": Case("networking", ("provision-fetch-offline",)),
    "command line: not found": Case("404", FETCH, booted=CONFIG_URL.replace("/child", "/missing")),
    "command line: a server that tells what it was asked": Case(
        "403", FETCH, booted=CONFIG_URL.replace("/child", "/echo")
    ),
    "command line: no URL": Case("url", FETCH, booted=CONFIG_URL.replace("{server}", "[bad")),
    "status: a server that tells, and no config": Case(
        "not sent", ("fetch-offline", "fetch"), merge(at("/missing")), booted=STATUS_URL
    ),
    # -- files, units, accounts
    "files: not found": Case("404", FILES, body(at("/missing"))),
    "files: refused": Case("efused", FILES, SOON | body(URL.replace("{server}", "127.0.0.1:1"))),
    "files: a server that tells what it was asked": Case("HTTP status 403", FILES, body(at("/echo"))),
    "files: a busy server that tells": Case("HTTP status 503", FILES, SOON | body(at("/busy"))),
    "files: half of it": Case("in time", FILES, SOON | body(at("/half"))),
    "files: another hash": Case("hash", FILES, body(URL, verification=WRONG)),
    "files: another hash, inline": Case("hash", FILES, {"storage.files.0.contents.verification": WRONG}),
    "files: not compressed": Case("gzip", FILES, body(URL, compression="gzip")),
    "files: not compressed, inline": Case("gzip", FILES, {"storage.files.0.contents.compression": "gzip"}),
    "files: a redirect out of HTTP": Case(
        "redirected to a URL with a backslash, a user name", FILES, body(at("/redirect"))
    ),
    "files: a proxy that tells": Case("407", FILES, body(URL.replace("{server}", "mirror.example"))),
    "files: larger than the file system": Case("No space left", FILES, body(at("/big")), before=SMALL_MOUNT),
    "files: larger than the file system, inline": Case(
        "are written", FILES, {"storage.files.0.contents.source": "data:," + C["inline"] * 9000}, before=SMALL_MOUNT
    ),
    "files: a file system that is read-only": Case("Read-only", FILES, before=READ_ONLY),
    "files: nobody knows the owner": Case("no such user", FILES, {"storage.files.0.user": {"name": "nobody-here"}}),
    "files: nobody knows the group": Case("no such group", FILES, {"storage.files.0.group": {"name": "none-here"}}),
    "files: an id that is none": Case("out of range", FILES, {"storage.files.0.user": {"id": 1 << 32}}),
    "files: one is there": Case("overwrite is false", FILES, files={"etc/secret/inline": "old"}),
    "files: through a file": Case("is not a directory", FILES, files={"etc/secret": "old"}),
    "files: a link to nothing": Case(
        "does not exist", FILES, {"storage.links": [{"path": "/l", "target": "/none", "hard": True}]}
    ),
    "accounts: useradd is missing": Case("useradd is not on PATH", hidden="useradd"),
    "accounts: useradd fails and talks": Case("make user core", tools={"useradd": TALKS}),
    "accounts: useradd does nothing": Case("expected user, found nothing", tools={"useradd": "true"}),
    "accounts: groupadd fails and talks": Case("make group team", tools={"groupadd": TALKS}),
    "accounts: killed": Case("", tools={"groupadd": KILLS}),
    "accounts: killed after the first password": Case("", tools={"useradd": KILLS}),
    "accounts: a hash with a colon": Case("colon", FILES, {"passwd.users.0.passwordHash": f"a:{C['user-hash']}"}),
    "accounts: a hash with a line break": Case(
        "colon", FILES, {"passwd.groups.0.passwordHash": f"a\n{C['group-hash']}"}
    ),
    "accounts: an id that is taken": Case("is the id of root", FILES, {"passwd.users.0.uid": 0}),
    "accounts: no group of that name": Case("no group", FILES, {"passwd.users.0.groups": ["none-here"]}),
    "units: a directory in the way": Case("is a directory", files={"etc/systemd/system/a.service/x": ""}),
    "units: systemctl fails and talks": Case(
        "enable a.service",
        FILES,
        {"systemd.units.0.enabled": True, "storage.luks": GONE},
        tools={"systemctl": TALKS.replace("exit 1", "exit 2")},
        files=MACHINE_ID,
    ),
    "result: an old one that is none": Case("is not JSON", FILES, files={"etc/.ignition-result.json": "{"}),
    "labels: setfiles is missing": Case("setfiles is not on PATH", FILES, hidden="setfiles", files=SELINUX),
    "labels: setfiles fails and talks": Case(
        "set SELinux labels on what was written", FILES, tools={"setfiles": TALKS}, files=SELINUX
    ),
    "keys: a file in the way": Case("exists already", FILES, ONE_VOLUME, files={"etc/luks/vault": "old"}),
    "keys: not there any more": Case("has no LUKS header", FILES, ONE_VOLUME),
    # -- disks, mounts, kernel arguments
    "kargs: no helper": Case("not on PATH", ("fetch", "kargs")),
    "kargs: the helper fails and talks": Case(
        "kernel arguments", ("fetch", "kargs"), tools={"ignition-kargs-helper": TALKS}
    ),
    "mount: no device": Case("is not there", ("fetch", "mount")),
    "mount: a file in the way": Case("non-directory", ("fetch", "mount"), files={"srv": "old"}),
    "disks: no room": Case("no room", DISKS, {"storage.disks.0.partitions.0.sizeMiB": 9999}, disk=True),
    "disks: sfdisk or mkfs is missing": Case("not on PATH", DISKS, ONLY_FILE_SYSTEMS, hidden="mkfs.ext4", disk=True),
    "disks: mkfs fails and talks": Case("make ext4", DISKS, ONLY_FILE_SYSTEMS, tools={"mkfs.ext4": TALKS}, disk=True),
    "disks: mkfs does nothing": Case(
        "expected type ext4", DISKS, ONLY_FILE_SYSTEMS, tools={"mkfs.ext4": "true"}, disk=True
    ),
    "disks: killed": Case("", DISKS, ONLY_FILE_SYSTEMS, tools={"mkfs.ext4": KILLS}, disk=True),
    "luks: cryptsetup is missing": Case("cryptsetup is needed", DISKS, hidden="cryptsetup", disk=True),
    "luks: cryptsetup fails and talks": Case("make LUKS volume", DISKS, tools={"cryptsetup": TALKS}, disk=True),
    "luks: cryptsetup does nothing": Case("expected", DISKS, tools={"cryptsetup": "true"}, disk=True),
    "luks: killed": Case("", DISKS, tools={"cryptsetup": KILLS}, disk=True),
    "luks: key not found": Case("404", DISKS, {"storage.luks.1.keyFile.source": at("/missing")}, disk=True),
    "luks: a key with another hash": Case("hash", DISKS, {"storage.luks.0.keyFile.verification": WRONG}, disk=True),
    # -- the other commands
    "apply: wrong types": Case("passwordHash", ("apply-root",), BAD),
    "apply: wrong types, all in one line": Case("passwordHash", ("apply-root",), BAD, text=("\n", "")),
    "apply: YAML with errors": Case("passwordHash", ("apply-yaml",), BAD),
    "apply: cut off": Case("not valid", ("apply-root",), text=('"systemd": {', '"systemd": {!')),
    "apply: a tree, not found": Case("404", ("apply-root",), {**body(at("/missing")), **NO_DISKS}),
    "apply: a tree, one is there": Case("overwrite", ("apply-root",), NO_DISKS, files={"etc/secret/inline": "old"}),
    "apply: a tree, useradd talks": Case("make user", ("apply-root",), NO_DISKS, tools={"useradd": TALKS}),
    "apply: an image that is too small": Case("no room", ("apply-small",), IMAGE),
    "apply: an image, mkfs talks": Case("make ext4", ("apply-image",), IMAGE, tools={"mkfs.ext4": TALKS}),
    "apply: an image, not found": Case("404", ("apply-image",), {**IMAGE, **body(at("/missing"))}),
    "plan: a tree, one is there": Case("overwrite", ("plan-root",), NO_DISKS, files={"etc/secret/inline": "old"}),
    "plan: a proxy that tells": Case("407", ("plan-root",), merge(URL.replace("{server}", "mirror.example"))),
    "validate: text": Case("passwordHash", ("validate-text",), BAD),
    "validate: JSON": Case("passwordHash", ("validate-json",), BAD),
    "validate: GitHub": Case("passwordHash", ("validate-github",), BAD),
    "validate: SARIF": Case("passwordHash", ("validate-sarif",), BAD),
    "validate: as ignition-validate": Case("found a list", ("ignition-validate",), BAD),
    "validate: YAML": Case("passwordHash", ("validate-yaml",), BAD),
    "ignition-apply: what cannot be done live": Case("cannot apply", ("ignition-apply",)),
    "ignition-apply: not found": Case("404", ("ignition-apply",), {**UNSUPPORTED, **body(at("/missing"))}),
    "ignition-apply: one is there": Case(
        "overwrite", ("ignition-apply",), UNSUPPORTED, files={"etc/secret/inline": "old"}
    ),
}

ON_VOLUME = {**ONE_VOLUME, "storage.filesystems.0.device": "/dev/mapper/vault"}
ENCRYPTED = {
    # clevis(1) takes its configuration only as an argument
    "clevis fails and talks": Case(
        "bind cellar", DISKS, tools={"clevis": TALKS}, disk=True, tells={"arguments and environments": {"clevis"}}
    ),
    "mkfs on the volume fails and talks": Case("make ext4", DISKS, ON_VOLUME, tools={"mkfs.ext4": TALKS}, disk=True),
    "killed with the volume open": Case("", DISKS, ON_VOLUME, tools={"mkfs.ext4": KILLS}, disk=True),
}
"""Failures with real volumes, which need dm-crypt."""

ENCRYPTED_ROOT = {**IMAGE, "storage.luks": [LUKS], "storage.filesystems.0.device": "/dev/mapper/vault"}
IMAGES = {
    "finished": Case("", ("apply-image",), ENCRYPTED_ROOT),
    "no file from the server": Case("404", ("apply-image",), {**ENCRYPTED_ROOT, **body(at("/missing"))}),
}
"""Images whose root is on a real volume."""

GOOD = {
    "plan of an image": Case("", ("plan-image", "plan-json"), IMAGE),
    "plan of a tree": Case("", ("plan-root",), NO_DISKS),
    "an image": Case("", ("apply-image",), IMAGE),
    "a tree": Case("", ("apply-root",), NO_DISKS),
    "files": Case("", FILES, {"storage.luks": GONE}),
    "disks": Case("", DISKS, ONLY_FILE_SYSTEMS, disk=True),
    "live": Case("", ("ignition-apply",), UNSUPPORTED),
    "a summary": Case("", ("provision-fetch",)),
}
"""Runs that end well: they tell no more than those that fail."""


def answer(asked: Asked) -> Answer:
    """The answer of the server; as a proxy it demands a password."""
    path = asked.path.partition("?")[0]
    told = json.dumps([asked.path, dict(asked.headers)]).encode()
    if path.startswith("http://"):
        return Answer(told, 407)
    inline = {"path": "/etc/secret/child", "mode": 384, "contents": {"source": f"data:,{C['child']}"}}
    child = {"ignition": {"version": "3.4.0"}, "storage": {"files": [inline]}}
    wrong = {**child, "passwd": {"users": [{"name": "x", "passwordHash": [C["child"]], "pasword": C["child"]}]}}
    itself = {"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "http://{host}/circle"}]}}}
    answers = {
        "/file": Answer(C["body"].encode()),
        "/key": Answer(C["luks-body"].encode()),
        "/child": Answer(json.dumps(child).encode()),
        "/bad-json": Answer(json.dumps(child).encode().replace(b"]", b"!]")),
        "/bad-types": Answer(json.dumps(wrong).encode()),
        "/circle": Answer(json.dumps(itself).replace("{host}", asked.headers["host"]).encode()),
        "/echo": Answer(told, 403),
        "/busy": Answer(told, 503),
        "/half": Answer(C["body"].encode(), missing=1000),
        "/big": Answer(os.urandom(1 << 20)),
        "/empty": Answer(b""),
        "/redirect": Answer(status=302, headers=(("Location", f"ftp://x:{C['redirect']}@h/?t={C['redirect']}"),)),
        "/round": Answer(status=302, headers=(("Location", f"/round?t={C['redirect']}"),)),
    }
    return answers.get(path, Answer(told, 404))


def changed(change: Mapping[str, Any]) -> dict[str, Any]:
    """The config with values put at dotted places."""
    config: dict[str, Any] = json.loads(json.dumps(CONFIG))
    for place, value in change.items():
        *above, last = place.split(".")
        here: Any = config
        for step in above:
            here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
        if value == GONE:
            del here[last]
        else:
            here[int(last) if isinstance(here, list) else last] = value
    return config


def command(step: str, target: WatchedTarget, names: Mapping[str, str]) -> list[str]:
    """A step as a command line."""
    config, yaml = names["config"], names["yaml"]
    image = ["--disk", f"{names['disk']}={target.folder}/tmp/disk.img"]
    tree = ["--root", str(target.root)]
    provision = [sys.executable, "-m", "provision"]
    personality = "import sys; from provision.cli import run; sys.exit(run(sys.argv[1:]))"
    commands = {
        "provision-fetch": [*provision, "fetch", "--platform", "file"],
        "provision-fetch-offline": [*provision, "fetch", "--platform", "file", "--offline"],
        "apply-root": [*provision, "apply", config, *tree],
        "apply-yaml": [*provision, "apply", yaml, *tree],
        "apply-small": [*provision, "apply", config, *image[:1], f"{image[1]}:30M"],
        "apply-image": [*provision, "apply", config, *image[:1], f"{image[1]}:96M"],
        "plan-root": [*provision, "plan", config, "--verbose", *tree],
        "plan-image": [*provision, "plan", config, "--verbose", *image[:1], f"{image[1]}:96M"],
        "plan-json": [*provision, "plan", config, "--json", *image[:1], f"{image[1]}:96M"],
        "validate-yaml": [*provision, "validate", yaml],
        "ignition-validate": [sys.executable, "-c", personality, "ignition-validate", config],
        "ignition-apply": [sys.executable, "-c", personality, "ignition-apply", *tree, config],
    }
    if step.startswith("validate-") and step not in commands:
        return [*provision, "validate", "--format", step.removeprefix("validate-"), config]
    return commands.get(step, [*provision, f"--stage={step}", "--platform=file", *tree])


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """An image and the loop device over it."""
    image = blank(tmp_path_factory.mktemp("secrets") / "disk.img", 96 * MIB)
    with loop(image) as node:
        yield image, node


def run_watched(case: Case, folder: Path, disk: str) -> Watched:
    """Carry out a case."""
    import yaml

    target = WatchedTarget(folder)
    if case.hidden:
        target.hide(case.hidden)
    for name, script in case.tools.items():
        target.tool(name, script)
    for name, content in case.files.items():
        (target.root / name).parent.mkdir(parents=True, exist_ok=True)
        (target.root / name).write_text(content)
    config = changed({**({"storage.luks": GONE} if case.steps == FILES else {}), **case.change})
    text = json.dumps(config, indent=1).replace(*case.text) if case.text[0] else json.dumps(config, indent=1)
    written = yaml.safe_dump({"variant": "fcos", "version": "1.5.0", **config})
    with serve(answer) as served:
        booted = case.booted.replace("{server}", served.url.removeprefix("http://"))
        values = {"{server}": served.url.removeprefix("http://"), "{disk}": disk, "{label}": f"secret{os.getpid()}"}
        for place, value in values.items():
            text, written = text.replace(place, value), written.replace(place, value)
        names = {
            "config": str(target.private("config.ign", text)),
            "yaml": str(target.private("config.yaml", written)),
            "disk": disk,
        }
        environment = {
            "IGNITION_CONFIG_FILE": names["config"],
            "PYTHONPATH": str(Path(__file__).parents[4]),
            "container": "podman",
            "IGNITION_KERNEL_CMDLINE_PATH": str(target.private("cmdline", booted)),
        }
        commands = [command(step, target, names) for step in case.steps]
        return target.run(case.before.replace("{root}", str(target.root)), commands, environment)


def leaks(watched: Watched) -> dict[str, set[str]]:
    """Channel -> the canaries in it, for those that have any."""
    return {channel: found for channel, data in watched.channels.items() if (found := seen(data))}


def _prepared(case: Case, disk: tuple[Path, str]) -> str:
    if not case.disk:
        return "/dev/absent"
    image, node = disk
    os.truncate(image, 0)
    os.truncate(image, 96 * MIB)
    subprocess.run(["partx", "--delete", node], check=False, capture_output=True)
    subprocess.run(["blockdev", "--flushbufs", node], check=True)
    return node


@pytest.mark.parametrize("name", CASES)
def test_no_failure_tells_a_secret(name: str, tmp_path: Path, disk: tuple[Path, str]) -> None:
    _fails_without_a_word(CASES[name], tmp_path, disk)


@pytest.mark.skipif(not Path("/sys/module/dm_crypt").exists(), reason="the kernel has no dm-crypt")
@pytest.mark.parametrize("name", ENCRYPTED)
def test_no_encrypted_volume_tells_a_secret(name: str, tmp_path: Path, disk: tuple[Path, str]) -> None:
    try:
        _fails_without_a_word(ENCRYPTED[name], tmp_path, disk)
    finally:
        for volume in ("vault", "cellar"):
            subprocess.run(["cryptsetup", "close", volume], check=False, capture_output=True)


@pytest.mark.skipif(not Path("/sys/module/dm_crypt").exists(), reason="the kernel has no dm-crypt")
@pytest.mark.parametrize("name", IMAGES)
def test_no_image_with_an_encrypted_root_tells_a_secret(name: str, tmp_path: Path) -> None:
    """Not in the finished image either: the key is in its encrypted part. No file for root alone keeps a secret."""
    case = IMAGES[name]
    watched = run_watched(case, tmp_path, "/dev/absent")
    assert (watched.status == 0) == (not case.says), watched.said
    assert case.says in watched.said, watched.said
    assert leaks(watched) == {}, watched.said
    kept = [path for top in ("run", "tmp") for path in (tmp_path / top).rglob("*") if path.is_file()]
    assert {path: found for path in kept if (found := seen(path.read_bytes()))} == {}
    assert ((tmp_path / "tmp/disk.img") in kept) == (watched.status == 0)


def _fails_without_a_word(case: Case, tmp_path: Path, disk: tuple[Path, str]) -> None:
    watched = run_watched(case, tmp_path, _prepared(case, disk))
    assert watched.status != 0, watched.said
    assert case.says in watched.said, watched.said
    assert "Traceback" not in watched.said, watched.said
    assert leaks(watched) == case.tells, watched.said


@pytest.mark.parametrize("name", GOOD)
def test_no_success_tells_a_secret(name: str, tmp_path: Path, disk: tuple[Path, str]) -> None:
    case = GOOD[name]
    watched = run_watched(case, tmp_path, _prepared(case, disk))
    assert watched.status == 0, watched.said
    assert leaks(watched) == {}, watched.said


def test_canaries_are_found_in_every_form_and_channel(tmp_path: Path) -> None:
    target = WatchedTarget(tmp_path)
    form = next(form for form, name in FORMS.items() if name == "proxy").decode()
    script = (
        f"sh -c true {form} & wait; TOKEN={form} sh -c true; echo {form}; echo {form} >&2; echo {form} >/dev/kmsg;"
        f" umask 022; echo {form} >/run/wide; umask 077; echo {form} >/run/narrow; exit 1"
    )
    watched = target.run("", [["sh", "-c", script]], {})
    assert set(leaks(watched)) == {"arguments and environments", "stdout", "stderr", "kmsg", "run/wide"}
    packed = gzip.compress(C["gzip"].encode())
    assert seen(packed) == set()
    assert len(C) >= 20
    assert len(CASES) >= 50
