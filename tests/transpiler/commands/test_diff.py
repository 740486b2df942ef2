"""`transpile diff`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from transpiler.commands import diff as commands

OLD = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /a, contents: {local: words}}]}\n"


def diff(folder: Path, *arguments: str, text: str = "") -> tuple[int, str, str]:
    argv = [sys.executable, "-m", "transpiler", "diff", *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(argv, cwd=folder, env=environment, input=text, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_exit_status_and_output(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("one\n")
    (tmp_path / "old.bu").write_text(OLD)
    (tmp_path / "new.ign").write_text('{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a"}]}}')
    shown = "~ storage.files[/a]\n    contents: one -> (not set)\n"
    assert diff(tmp_path, "old.bu", "new.ign") == (0, shown, "")
    assert diff(tmp_path, "--exit-code", "-", "new.ign", text=OLD) == (1, shown, "")
    assert diff(tmp_path, "--exit-code", "old.bu", "old.bu") == (0, "", "")


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side, text in (("old", OLD), ("new", OLD.replace("{local: words}", "{inline: a}"))):
        (tmp_path / side).mkdir()
        (tmp_path / side / "words").write_text("one")
        (tmp_path / side / "a.bu").write_text(text)
    (tmp_path / "new" / "b.bu").write_text(OLD.replace("/a", "a"))
    folders = [str(tmp_path / side) for side in ("old", "new")]
    assert commands.diff(["--json", "--exit-code", *folders]) == 1
    one, two = json.loads(capsys.readouterr().out)
    lines = ["contents: one (no newline at the end) -> a (no newline at the end)"]
    changes = [{"kind": "changed", "name": "storage.files[/a]", "lines": lines}]
    assert one == {"config": "a.bu", "kind": "changed", "error": "", "changes": changes}
    assert (two["config"], two["kind"], two["changes"]) == ("b.bu", "added", [])
    assert "b.bu:3:26: error: storage.files[0].path: path not absolute" in two["error"]
    assert commands.diff(["--json", "--exit-code", folders[0], folders[0]]) == 0
    assert capsys.readouterr().out == "[]\n"


CLUSTER = """\
variant: openshift
version: 4.20.0
metadata: {name: 99-a, labels: {machineconfiguration.openshift.io/role: worker}}
openshift: {kernel_arguments: [quiet, rd.password=secret1], extensions: [usbguard]}
"""


@pytest.mark.parametrize(
    ("was", "is_now", "field"),
    [
        ("quiet, ", "", "openshift.kernel_arguments"),
        ("secret1", "secret2", "openshift.kernel_arguments"),
        ("[usbguard]", "[ipsec]", "openshift.extensions: usbguard -> ipsec"),
        ("extensions: [usbguard]", "fips: true", "openshift.fips: (not set) -> true"),
        ("openshift: {", "openshift: {kernel_type: realtime, ", "openshift.kernel_type: (not set) -> realtime"),
        ("name: 99-a", "name: 99-b", "metadata.name: 99-a -> 99-b"),
        ("worker}", "master}", "metadata.labels: machineconfiguration.openshift.io/role: worker -> machin"),
    ],
)
def test_fields_of_a_machine_config(
    tmp_path: Path, was: str, is_now: str, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.bu").write_text(CLUSTER)
    (tmp_path / "new.bu").write_text(CLUSTER.replace(was, is_now))
    assert commands.diff(["--exit-code", *(str(tmp_path / name) for name in ("old.bu", "new.bu"))]) == 1
    shown = capsys.readouterr().out
    assert f"~ MachineConfig\n    {field}" in shown
    assert "secret" not in shown
    assert commands.diff(["--textconv", str(tmp_path / "old.bu")]) == 0
    assert capsys.readouterr().out == (
        "MachineConfig\n    metadata.name: 99-a\n    metadata.labels: machineconfiguration.openshift.io/role: worker\n"
        "    openshift.kernel_arguments:\n        quiet\n        rd.password=(not shown)\n"
        "    openshift.extensions: usbguard\n"
    )


def test_configs_with_errors(tmp_path: Path) -> None:
    (tmp_path / "bad.bu").write_text(OLD.replace("/a", "a"))
    status, shown, told = diff(tmp_path, "bad.bu", "none.ign")
    assert (status, shown) == (2, "")
    assert "bad.bu:3:26: error: storage.files[0].path: path not absolute (hint: write /a)" in told
    assert "none.ign: error: cannot be read: no such file or directory" in told
    assert diff(tmp_path, "bad.bu")[0] == 2
