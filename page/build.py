"""Build the page into a folder: `python -m page.build dist/page`. Needs the packages of npm in `page/node_modules`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from transpiler import transpile

HERE = Path(__file__).parent
HOUSE = HERE.parent
PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide-lock.json", "python_stdlib.zip")
BUNDLED = ("main.js", "worker.js")
FOLDERS = ("transpiler", "provision/config", "provision/planning", "provision/stages")
SINGLE = (
    *("page/__init__.py", "page/judge.py", "page/blank_machine_plan.py"),
    *("provision/__init__.py", "provision/failures.py", "provision/yaml_or_json.py"),
    *("provision/engine/__init__.py", "provision/engine/preflight.py", "provision/engine/protocols.py"),
    *("provision/commands/__init__.py", "provision/commands/config_places.py", "provision/commands/plan_output.py"),
)
"""Folders and single files of Python that the browser loads: the judge, the transpiler, and what makes plans."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The time of all entries of the archive, so that the same source gives the same bytes."""


def build(target: Path) -> None:
    """Write the page into `target`, which is emptied first. Raises OSError or CalledProcessError."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "pyodide").mkdir(parents=True)
    for name in PYODIDE:
        shutil.copyfile(HERE / "node_modules" / "pyodide" / name, target / "pyodide" / name)
    for name in ("index.html", "style.css", "icon.svg"):
        shutil.copyfile(HERE / name, target / name)
    write_archive(target / "python.zip")
    (target / "examples.json").write_text(json.dumps(examples(), indent=1) + "\n")
    bundle(target)


def write_archive(path: Path) -> None:
    """Write the Python modules that the browser loads."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in sorted(modules()):
            archive.writestr(zipfile.ZipInfo(name, EARLIEST), source.read_bytes(), zipfile.ZIP_DEFLATED)


def modules() -> Iterator[tuple[str, Path]]:
    """The names in the archive and their files: those of FOLDERS and SINGLE, and PyYAML's Python."""
    for name in SINGLE:
        yield name, HOUSE / name
    for folder in FOLDERS:
        for path in (HOUSE / folder).rglob("*"):
            if path.suffix in {".py", ".txt"}:
                yield str(path.relative_to(HOUSE)), path
    for path in Path(yaml.__file__).parent.glob("*.py"):
        yield f"yaml/{path.name}", path


def examples() -> list[dict[str, str]]:
    """The configs that the page offers, the one that it starts with first. Those with local files are left out."""
    paths = [HERE / "first-config.bu", *sorted((HOUSE / "examples").glob("*.yaml"))]
    texts = {path.stem.replace("-", " ").capitalize(): path.read_text() for path in paths}
    return [{"name": name, "text": text} for name, text in texts.items() if not transpile(text.encode()).failed]


def bundle(target: Path) -> None:
    """Bundle the scripts with what they import, besides Pyodide."""
    esbuild = HERE / "node_modules" / ".bin" / "esbuild"
    options = ("--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning", "--legal-comments=eof")
    sources = [str(HERE / "src" / name) for name in BUNDLED]
    subprocess.run([esbuild, *sources, f"--outdir={target}", "--external:./pyodide/*", *options], check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
