"""Each phase is needed by a golden case, and authors get their own places, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transpiler.container_linux.golden import CASES, Case, cases
from transpiler.container_linux.dialects import BY_NAME
from transpiler.container_linux.phases import PHASES, Translating
from transpiler.phases import run, transpile
from transpiler.translation_state import Phase, TranspileOptions


@pytest.fixture(autouse=True)
def _in_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES)


def answer(case: Case, phases: tuple[Phase[Translating], ...]) -> object:
    """The result of some of the phases."""
    platform = case.options[1] if case.options[0] == "-platform" else ""
    options = TranspileOptions(
        files_dir="files", butane_paths=True, platform=platform, dialect=case.dialect, container_linux=True
    )
    work = run(case.text, options, ())
    from transpiler.reading.tree import parse_yaml

    work.root = parse_yaml(case.text) if case.folder.parent.name != "text" else None
    state = Translating(work)
    for phase in phases:
        work.add(phase.do(state), phase.error)
    return state.config, work.problems, work.error


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
def test_each_phase_is_needed(phase: Phase[Translating]) -> None:
    others = tuple(one for one in PHASES if one is not phase)
    assert any(answer(case, others) != answer(case, PHASES) for case in cases())


def test_both_dialects_have_cases() -> None:
    assert {case.dialect for case in cases()} == set(BY_NAME)


TEXT = """\
docker: {}
etcd:
  version: 3.0.0
  name: "{HOST}"
  logger: zap
update:
  group: stable
storage:
  files:
    - {path: /a, mode: 0644, contents: {remote: {url: "ftp://example.com/"}}}
  disks:
    - device: /dev/sda
      partitions:
        - {number: 1, size: 2G}
systemd:
  units:
    - {name: web, enabled: true}
passwd:
  users:
    - {name: core, Uid: 5}
"""


@pytest.mark.parametrize(
    "told",
    [
        ":4:9: error: etcd.name: unknown field (hint: azure has {PRIVATE_IPV4}, {PUBLIC_IPV4})",
        ":5:3: warning: etcd.logger: Config has unrecognized key: logger (hint: an option of etcd 3.4, 3.5: ",
        ":10:55: error: storage.files[0].contents.remote.url: invalid url",
        ":14:29: error: storage.disks[0].partitions[0].size: units: unknown unit G in 2G (hint: write a size such as ",
        ":17:14: error: systemd.units[0].name: invalid systemd unit extension",
        ":20:20: warning: passwd.users[0].Uid: Config has unrecognized key: Uid (hint: write uid)",
    ],
)
def test_problems_have_the_place_of_the_author(told: str) -> None:
    shown = transpile(TEXT.encode(), TranspileOptions(name="config.yaml", platform="azure")).render()
    assert f"config.yaml{told}" in shown


def test_local_files_stay_below_the_files_directory(tmp_path: Path) -> None:
    text = b"storage: {files: [{path: /a, mode: 0644, contents: {local: ../motd}}]}\n"
    (tmp_path / "motd").touch()
    (tmp_path / "files").mkdir()
    result = transpile(text + b"docker: {}\n", TranspileOptions(files_dir=tmp_path / "files"))
    assert result.failed
    assert "outside the files directory" in result.render()
