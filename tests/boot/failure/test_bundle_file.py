"""A boot that fails leaves a bundle, and the bundle never makes it worse."""

from __future__ import annotations

import stat
from io import StringIO
from pathlib import Path
from typing import cast

from provision.boot.failure.bundle_file import save_bundle
from provision.bundle.bundle import read_bundle
from provision.bundle.recorded_view import played
from provision.config.json_text.decode import decode
from provision.failures import Failure, PlanRefused
from provision.log import open_log
from provision.planning.machine_view import MachineView
from provision.stages import load_stage

CONFIG = decode(b'{"ignition": {"version": "3.4.0"}, "kernelArguments": {"shouldExist": ["a"]}}')
"""A plan of it asks for a tool."""


def test_it_has_the_reasons(tmp_path: Path) -> None:
    path = tmp_path / "run" / "bundle"
    log = open_log(StringIO(), to_stdout=True)
    view = played({'["tool", "ignition-kargs-helper"]': None})
    save_bundle(PlanRefused([], hint="x"), [load_stage("kargs")], CONFIG, view, log, path=str(path))
    bundle = read_bundle(path.read_bytes(), "bundle")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bundle.answers == {'["tool", "ignition-kargs-helper"]': None}
    assert bundle.stages == ("kargs",)


def test_whatever_goes_wrong_is_a_warning(tmp_path: Path) -> None:
    messages = StringIO()
    log = open_log(messages, to_stdout=True)
    nothing = cast("MachineView", None)
    save_bundle(Failure("a"), [load_stage("kargs")], CONFIG, nothing, log, path=str(tmp_path / "bundle"))
    assert not (tmp_path / "bundle").exists()
    assert "there is no bundle of this failure: AttributeError" in messages.getvalue()
