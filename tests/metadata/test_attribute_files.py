"""The names of attributes, and the file that units read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.metadata.attribute_files import afterburn, coreos, environment_file, shared, with_addresses


def test_names_are_those_of_the_programs() -> None:
    attributes = {"HOSTNAME": "a", "IPV4_LOCAL": "10.0.0.2"}
    assert dict(coreos("AWS", attributes)) == {"COREOS_EC2_HOSTNAME": "a", "COREOS_EC2_IPV4_LOCAL": "10.0.0.2"}
    assert dict(coreos("HETZNER", attributes)).keys() == {"COREOS_HETZNER_HOSTNAME", "COREOS_HETZNER_IPV4_LOCAL"}
    assert dict(afterburn("AWS", attributes)) == {
        "AFTERBURN_AWS_HOSTNAME": "a",
        "AFTERBURN_AWS_IPV4_LOCAL": "10.0.0.2",
        "METADATA_HOSTNAME": "a",
        "METADATA_PRIVATE_IPV4": "10.0.0.2",
    }


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"IP_LOCAL_0": "1", "IP_EXTERNAL_0": "2", "MACHINE_TYPE": "e2"}, ("1", "2", "e2")),
        ({"PRIVATE_IPV4_0": "1", "PUBLIC_IPV4": "2", "VMSIZE": "D1"}, ("1", "2", "D1")),
        ({"IPV4_DYNAMIC": "1", "IPV4_VIRTUAL": "2", "PLAN": "c3"}, ("1", "2", "c3")),
    ],
)
def test_shared_names_are_the_same_on_every_platform(
    attributes: dict[str, str], expected: tuple[str, str, str]
) -> None:
    found = shared(attributes)
    assert (found["PRIVATE_IPV4"], found["PUBLIC_IPV4"], found["INSTANCE_TYPE"]) == expected


def test_a_value_cannot_set_another_variable() -> None:
    text = environment_file(iter([("B", "x\nLD_PRELOAD=/evil"), ("C", 'a "$HOME" `id` \\'), ("A", "plain/1.2:3")]))
    assert text == 'A=plain/1.2:3\nC="a \\"\\$HOME\\" \\`id\\` \\\\"\n'


def test_a_shell_reads_the_values_that_were_written(tmp_path: Path) -> None:
    values = ["", " ", "a b", "'", '"', "\\", "$HOME", "`id`", "#x", "a;b", "é", "*", "!", "a=b", "\\n", "$(id)", "~"]
    (tmp_path / "file").write_text(environment_file((f"V{number}", value) for number, value in enumerate(values)))
    names = " ".join(f'"$V{number}"' for number in range(len(values)))
    done = subprocess.run(
        ["sh", "-c", f". ./file; printf '%s|' {names}"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.decode() == "".join(f"{value}|" for value in values)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "COREOS_PRIVATE_IPV4=10.0.0.5\nCOREOS_PUBLIC_IPV4=192.0.2.7\n"),
        (
            "# mine\r\nCOREOS_PUBLIC_IPV4=old\nPATH=/bin\nCOREOS_PUBLIC_IPV4=again",
            "# mine\nCOREOS_PUBLIC_IPV4=192.0.2.7\nPATH=/bin\nCOREOS_PUBLIC_IPV4=again\nCOREOS_PRIVATE_IPV4=10.0.0.5\n",
        ),
    ],
)
def test_addresses_replace_the_lines_of_their_variables(before: str, after: str) -> None:
    """As coreos-cloudinit writes /etc/environment (`system/env_file.go`)."""
    assert with_addresses(before, {"public_ipv4": "192.0.2.7", "private_ipv4": "10.0.0.5"}) == after
