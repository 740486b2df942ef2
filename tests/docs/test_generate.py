"""Generated files are as `make generate` writes them, and none is left over."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from docs.generate import COMMAND, generated, stale

ROOT = Path(__file__).parents[2]


def test_generated_files_are_current() -> None:
    differ = [path for path, text in generated().items() if (ROOT / path).read_text("utf-8") != text]
    assert differ == [], f"run: {COMMAND}"


def test_no_generated_file_is_stale() -> None:
    assert stale(ROOT) == [], f"run: {COMMAND}"


def test_no_two_schemas_are_the_same() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "schemas").iterdir()]
    assert len(set(texts)) == len(texts)


def test_one_command_writes_what_is_missing_and_deletes_what_is_stale(tmp_path: Path) -> None:
    for folder in ("docs", "provision", "transpiler", "schemas"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "schemas/butane.json").unlink()
    (tmp_path / "schemas/butane-old.json").write_text("{}")
    (tmp_path / "docs/reference/yaml.md").write_text("old\n")
    command = [sys.executable, "-m", "docs.generate"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "written: schemas/butane.json",
        "written: docs/reference/yaml.md",
        "deleted: schemas/butane-old.json",
    ]
    assert stale(tmp_path) == []
