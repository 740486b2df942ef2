"""`provision metadata`, `afterburn` and `coreos-metadata`, asking a service at its real address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from provision.config.format import Config, User
from provision.config.validate import validate
from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Answer, Asked, serve
from tests.metadata.recorded import KEY, RECORDED
from tests.metadata.test_providers import answer

pytestmark = pytest.mark.slow  # each test starts programs

METADATA = "169.254.169.254"


def run(folder: Path, program: str, *arguments: str, cmdline: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program of ours by its name, on a machine whose firmware says nothing."""
    folder.mkdir(exist_ok=True)
    (folder / "cmdline").write_text(cmdline)
    environment = {**os.environ, "IGNITION_KERNEL_CMDLINE_PATH": str(folder / "cmdline")}
    argv = [sys.executable, "-c", f"import sys; sys.argv[0] = {program!r}; from provision.cli import main; main()"]
    return subprocess.run([*argv, *arguments], env=environment, capture_output=True, text=True, check=False)


def on_platform(name: str, folder: Path, *command: str, cmdline: str = "") -> tuple[list[Asked], str]:
    """The requests of a command on a platform, and its output."""

    def body() -> tuple[list[Asked], str]:
        with serve(lambda asked: answer(RECORDED[name], asked), METADATA, 80) as served:
            done = run(folder, *command, cmdline=cmdline)
            assert done.returncode == 0, done.stderr
            return served.asked, done.stdout

    return in_namespace(body, f"{METADATA}/32")


@needs_root
def test_afterburn_writes_its_files(tmp_path: Path) -> None:
    files = ("--attributes", f"{tmp_path}/run/attributes", "--hostname", f"{tmp_path}/hostname")
    on_platform("aws", tmp_path, "afterburn", "--cmdline", *files, cmdline="ignition.platform.id=aws")
    assert (tmp_path / "hostname").read_text() == "ip-10-0-0-2.ec2.internal\n"
    lines = (tmp_path / "run/attributes").read_text().splitlines()
    assert "AFTERBURN_AWS_REGION=us-east-1" in lines
    assert "METADATA_PRIVATE_IPV4=10.0.0.2" in lines
    assert lines == sorted(lines)


@needs_root
def test_coreos_metadata_has_names_and_dashes_of_its_own(tmp_path: Path) -> None:
    on_platform("aws", tmp_path, "coreos-metadata", "-provider=ec2", f"-attributes={tmp_path}/coreos")
    text = (tmp_path / "coreos").read_text()
    assert "COREOS_EC2_IPV4_LOCAL=10.0.0.2\n" in text
    assert "AFTERBURN" not in text


@needs_root
def test_the_addresses_go_into_the_environment(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("PATH=/bin\n")
    file = f"{tmp_path}/environment"
    on_platform("aws", tmp_path, "provision", "metadata", "--platform", "aws", "--environment", file)
    assert (tmp_path / "environment").read_text().splitlines()[:2] == ["PATH=/bin", "COREOS_PRIVATE_IPV4=10.0.0.2"]


@needs_root
def test_the_metadata_is_shown(tmp_path: Path) -> None:
    _, text = on_platform("hetzner", tmp_path, "provision", "metadata", "--platform", "hetzner")
    assert "AFTERBURN_HETZNER_PUBLIC_IPV4=6.6.6.6\n" in text
    _, shown = on_platform("hetzner", tmp_path, "provision", "metadata", "--platform", "hetzner", "--json")
    assert f'"{KEY}"' in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--platform", "nonesuch"), 2, "one of akamai"),
        (("--platform", "qemu"), 2, "has no metadata"),
        (("--cmdline",), 2, "use --platform NAME"),
        ((), 2, "one of the arguments"),
    ],
)
def test_wrong_use_is_reported(tmp_path: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = run(tmp_path, "provision", "metadata", *arguments)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


IMDS = {"name": "web-1", "osProfile/adminUsername": "ana\n", "publicKeys": json.dumps([{"keyData": KEY}])}


def render(tmp_path: Path, provider: str, imds: Mapping[str, str], *options: str) -> tuple[int, dict[str, Config], str]:
    """Exit code, the configs that `afterburn render-ignition` writes, by their names, and its messages."""

    def body() -> tuple[int, str]:
        def answered(asked: Asked) -> Answer:
            text = imds.get(asked.path.removeprefix("/metadata/instance/compute/").partition("?")[0])
            return Answer(b"", 404) if text is None else Answer(text.encode())

        with serve(answered, METADATA, 80):
            done = run(tmp_path, "afterburn", "render-ignition", "--provider", provider, *options)
        return done.returncode, done.stderr

    options = ("--render-ignition-dir", f"{tmp_path}/base.platform.d/{provider}", *options)
    code, messages = in_namespace(body, f"{METADATA}/32")
    configs = {path.name: validate(path.read_bytes()) for path in tmp_path.glob("base.platform.d/*/*")}
    assert not [one.problems for one in configs.values() if one.problems]
    return code, {name: one.config for name, one in configs.items() if one.config}, messages


@needs_root
def test_afterburn_writes_host_name_and_administrator_as_configs(tmp_path: Path) -> None:
    code, configs, _ = render(tmp_path, "azure", IMDS)
    assert (code, sorted(configs)) == (0, ["hostname.ign", "user.ign"])
    [file] = configs["hostname.ign"].storage.files
    assert (file.path, file.mode, file.overwrite, file.contents.source) == ("/etc/hostname", 0o644, True, "data:,web-1")
    assert configs["user.ign"].passwd.users == (User(name="ana", ssh_authorized_keys=(KEY,)),)


@needs_root
def test_a_config_is_left_out_if_it_is_not_wanted_or_would_be_empty(tmp_path: Path) -> None:
    code, configs, _ = render(tmp_path / "a", "azure", IMDS, "--disable-user-fragment")
    assert (code, [*configs]) == (0, ["hostname.ign"])
    code, configs, messages = render(
        tmp_path / "b", "azure", {**IMDS, "publicKeys": "[]"}, "--disable-hostname-fragment"
    )
    assert (code, configs) == (0, {})
    assert "no administrator with SSH keys" in messages


@needs_root
def test_only_azure_names_an_administrator(tmp_path: Path) -> None:
    code, configs, messages = render(tmp_path, "hetzner", {})
    assert (code, configs) == (2, {})
    assert "this platform names no administrator\n  hint: azure is the only one that does" in messages
