"""`provision metadata`, `afterburn` and `coreos-metadata`, asking a service at its real address."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fetch.namespace import in_namespace, needs_root
from tests.fetch.server import Asked, serve
from tests.metadata.recorded import KEY, RECORDED
from tests.metadata.test_providers import answer

pytestmark = pytest.mark.slow  # each test starts programs

METADATA = "169.254.169.254"


def run(folder: Path, program: str, *arguments: str, cmdline: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program of ours by its name, on a machine whose firmware says nothing."""
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
