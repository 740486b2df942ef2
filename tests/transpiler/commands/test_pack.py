"""`transpile pack`: what it writes, what it says, and that it writes all or nothing."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from provision.commands.given_config import read_text
from tests.fetch.server import Answer, Asked, serve
from transpiler.commands.diff import diff
from transpiler.commands.output import OutputFailed
from transpiler.commands.pack import pack

ROLE = "machineconfiguration.openshift.io/role"
URL = "https://user:pw@example.com/second.ign?token=t"


def site(count: int = 4, size: int = 6000) -> str:
    """A config with files that cannot be compressed; every second one is private."""
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n"
    for number in range(count):
        contents = base64.b64encode(random.Random(number).randbytes(size)).decode()
        mode = "0600" if number % 2 else "0644"
        text += f"    - {{path: /opt/{number}, mode: {mode}, contents: {{inline: {contents}}}}}\n"
    return text + "    - {path: /etc/motd, contents: {inline: hello}}\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.bu").write_text(site())


def test_a_small_config_stays_as_it_is(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "site.bu").write_text("variant: fcos\nversion: 1.5.0\n")
    assert pack(["--platform", "aws", "site.bu"]) == 0
    shown = capsys.readouterr()
    assert shown.out == '{"ignition":{"version":"3.4.0"}}\n'
    assert shown.err == "site.bu: fits as it is: 33 of 16384 bytes\n"


def test_two_configs_and_a_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["--limit", "16K", "--url", URL, "--second", "2.ign", "-o", "1.ign", "--json", "site.bu"]
    assert pack(arguments) == 0
    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert report["form"] == "split"
    assert report["bytes"] == len((tmp_path / "1.ign").read_bytes()) <= 16384
    assert report["second"]["bytes"] == len((tmp_path / "2.ign").read_bytes())
    assert [one["name"] for one in report["second"]["moved"]] == ["/opt/0", "/opt/2", "/etc/motd", "/opt/1"]
    assert "warning: not all of the second config is for everyone" in shown.err
    assert "pw" not in shown.err + shown.out
    assert "token=t" not in shown.err + shown.out
    assert {one.name for one in tmp_path.iterdir()} == {"site.bu", "1.ign", "2.ign"}


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--limit", "16K"], 1, "move parts with --url URL --second FILE); nothing is written"),
        (["--limit", "100", "--url", URL, "--second", "2.ign"], 1, "the other parts cannot be moved"),
    ],
)
def test_what_does_not_fit(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert pack([*arguments, "-o", "1.ign", "site.bu"]) == status
    assert message in capsys.readouterr().err
    assert [one.name for one in tmp_path.iterdir()] == ["site.bu"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["site.bu"], "one of the arguments --platform --limit is required"),
        (["--limit", "0", "site.bu"], "--limit takes a number"),
        (["--limit", "1G", "site.bu"], "--limit takes a number"),
        (["--limit", "9", "--url", URL, "site.bu"], "belong together"),
        (["--limit", "9", "--json", "site.bu"], "--json needs --output"),
        (["--limit", "9", "--url", "ftp://a/b", "--second", "2", "site.bu"], "--url: invalid url scheme"),
        (["--limit", "9", "--url", "data:,a", "--second", "2", "site.bu"], "a data URL has no place for it"),
        (["--limit", "9", "--url", URL, "--second", "2", "-o", "./2", "site.bu"], "the same file"),
        (["--limit", "9", "--url", "http://", "--second", "2", "site.bu"], "--url: it has no host"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        pack(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"variant: openshift\nversion: 4.14.0\nmetadata: {{name: a, labels: {{{ROLE}: a}}}}\n",
            "MachineConfig",
        ),
        ('{"ignition":{"version":"2.3.0"}}', "transpile convert"),
        ("variant: fcos\n", "error"),
        ("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {inline: !secret no}}]}\n", "no"),
    ],
)
def test_configs_that_are_not_packed(
    text: str, message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "site.bu").write_text(text)
    assert pack(["--limit", "1M", "site.bu"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["bu", "ign"])
def test_the_target_reads_what_is_written(suffix: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if suffix == "bu":
        text = "variant: fcos\nversion: 1.7.0\nstorage:\n  files: [{path: /a, mode: 01755}]\n"
    else:
        text = '{"ignition":{"version":"3.6.0"},"storage":{"files":\n[{"path":"/a","mode":1005}]}}'
    (tmp_path / f"site.{suffix}").write_text(text)
    assert pack(["--limit", "1K", "--target", "fcos-44", f"site.{suffix}"]) == 0
    assert '"3.6.0"' in capsys.readouterr().out
    (tmp_path / ".transpile.toml").write_text('target = "fcos-42"\n')
    assert pack(["--limit", "1K", f"site.{suffix}"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.search(r"site\.\w+:[24]:\d+: error: storage\.files\[0\]\.mode: fcos-42 reads version 3\.5\.0", shown.err)
    (tmp_path / f"site.{suffix}").write_text(text.replace("01755", "0755").replace("1005", "493"))
    assert pack(["--limit", "1K", f"site.{suffix}"]) == 0
    assert '"3.5.0"' in capsys.readouterr().out


WORDS = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {inline: %s}}]}\n" % ("abcd" * 9000)


def test_the_compression_and_the_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "site.bu").write_text(WORDS.replace("inline: ", "source: 'data:,").replace("}}]}", "'}}]}"))
    arguments = ["--platform", "virtualbox", "--json", "-o", "1.ign", "site.bu"]
    assert pack(arguments) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["compression"] == "gzip"
    assert shown.err.endswith("gzip: Ignition reads no other compression\n")
    assert (tmp_path / "1.ign").read_text().startswith('{"ignition":')
    assert pack(["--engine", "provision", *arguments]) == 0
    assert re.search(r"^(zstd: \d+ bytes with gzip|gzip: .*zstd.*)$", capsys.readouterr().err, re.MULTILINE)
    assert (tmp_path / "1.ign").read_text().startswith('{"ignition":')
    assert pack(["--engine", "provision", "--platform", "aws", "-o", "2.ign", "site.bu"]) == 0
    assert (tmp_path / "2.ign").read_bytes()[:4] in {b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd"}
    for packed in ("1.ign", "2.ign"):
        assert diff(["--exit-code", "site.bu", packed]) == 0, packed
        assert read_text(packed).text.startswith(b'{"ignition":')


@pytest.mark.parametrize("refused", ["1.ign", "2.ign"])
def test_both_files_are_written_or_none(refused: str, tmp_path: Path) -> None:
    (tmp_path / refused).mkdir()
    with pytest.raises(OutputFailed):
        pack(["--limit", "16K", "--url", URL, "--second", "2.ign", "-o", "1.ign", "site.bu"])
    assert {one.name for one in tmp_path.iterdir()} == {"site.bu", refused}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_nothing_is_written_if_a_device_is_full(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="no space left"):
        pack(["--limit", "16K", "--url", URL, "--second", "/dev/full", "-o", "1.ign", "site.bu"])
    assert {one.name for one in tmp_path.iterdir()} == {"site.bu"}


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [False, True])
def test_a_machine_gets_the_config_back(damaged: bool, tmp_path: Path) -> None:
    """The engine fetches both over http, and stops if the second config is another one."""
    second = tmp_path / "2.ign"

    def answer(_asked: Asked) -> Answer:
        return Answer(second.read_bytes() + b" " * damaged)

    with serve(answer) as server:
        assert (
            pack(["--limit", "16K", "site.bu", "--url", f"{server.url}/2.ign", "--second", "2.ign", "-o", "1.ign"]) == 0
        )
        done = fetched(tmp_path / "1.ign", tmp_path)
    if damaged:
        assert done.returncode == 1
        assert "hash" in done.stderr
        return
    assert pack(["--limit", "1M", "-o", "whole.ign", "site.bu"]) == 0
    whole = fetched(tmp_path / "whole.ign", tmp_path)
    files = [{one["path"]: one for one in json.loads(run.stdout)["storage"]["files"]} for run in (done, whole)]
    assert files[0] == files[1]
    assert len(files[0]) == 5


def fetched(config: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the engine fetches on the platform `file`."""
    (folder / "cmdline").touch()
    places = {f"IGNITION_SYSTEM_{kind}CONFIG_DIR": str(folder / "none") for kind in ("", "LOCAL_", "RUNTIME_")}
    places |= {"IGNITION_CONFIG_FILE": str(config), "IGNITION_KERNEL_CMDLINE_PATH": str(folder / "cmdline")}
    argv = [sys.executable, "-m", "provision", "fetch", "--platform", "file", "--json"]
    return subprocess.run(argv, env={**os.environ, **places}, capture_output=True, text=True, check=False)
