# ruff: noqa: INP001 - a program that dracut's module runs, not a package
"""Collects the part of Python that provisioning needs, as byte-code, into the tree of an initramfs.

    python3 -X no_debug_ranges collect.py TREE

module-setup.sh runs it with the interpreter of the system that the initramfs is for. Our modules and the libraries they
use go to /usr/lib/provision; modules of the standard library keep their paths. Imports, also those inside functions,
say which modules are needed. Prints a line `SOURCE<tab>DESTINATION` for every other file that is needed: the
interpreter, extension modules, and their shared libraries (dracut finds only those of executables).

It ends with a message and writes nothing if a library is missing that a boot imports. Without TREE it looks only for
LIBRARIES, which takes a tenth of a second.

Byte-code without source files starts fastest (`python3 -m compileall -b`, unchecked-hash of PEP 552). The columns of
errors, which `no_debug_ranges` leaves out (PEP 657), are for source files too.
"""

from __future__ import annotations

import ast
import marshal
import posixpath
import re
import subprocess
import sys
from importlib.machinery import FrozenImporter
from importlib.util import MAGIC_NUMBER, find_spec, source_hash
from inspect import CO_OPTIMIZED
from modulefinder import ModuleFinder
from pathlib import Path
from pkgutil import walk_packages
from shutil import which
from sysconfig import get_path
from types import CodeType
from typing import Any

import provision
from provision.system.programs import account_tools
from provision.system.programs.confinement import ACCOUNT_TOOLS
from provision.system.programs.root_programs import is_reachable

ENCODINGS = ("ascii", "idna", "latin_1", "punycode", "utf_16", "utf_16_be", "utf_16_le", "utf_8", "utf_8_sig")
"""Codecs, which Python imports when a text needs them."""

LIBRARIES = {"idna": "python3-idna", "pyudev": "python3-pyudev", "urllib3": "python3-urllib3"}
"""Library that some boots import -> the package of Debian that has it. urllib3 imports idna for some names of hosts."""

DYNAMIC = ("http.client", "queue", "urllib.parse")
"""Modules that urllib3 1 imports through six.moves, where a search for imports does not see them."""

NEVER = (
    # the engine validates YAML configs without the schemas
    *("jsonschema", "transpiler.butane.schemas", "transpiler.cloud_config.validator"),
    # remarks for authors; their tables of names are no part of an initramfs
    "transpiler.lint.for_authors",
    # user data have no values for the author's tags, and are for this machine
    *("transpiler.composition", "transpiler.releases"),
    # no machine has ever read them: they are transpiled before (docs/decisions/0010-container-linux-configs.md)
    "transpiler.container_linux.phases",
    # libparted reads only the tables of images (docs/decisions/0008-system.md)
    "parted",
    # optional modules of libraries, and modules for use at a terminal
    *(
        "urllib3.contrib.pyopenssl",
        "urllib3.contrib.socks",
        "OpenSSL",
        "_brotli",
        "backports",
        "brotli",
        "brotlicffi",
        "socks",
        "zstandard",
    ),
    *("PyQt5", "PySide2", "gi", "pyudev.glib", "pyudev.pygtk", "pyudev.pyqt4", "pyudev.wx"),
    *("_pyrepl", "code", "curses", "distutils", "doctest", "ensurepip", "lib2to3", "pdb", "pkg_resources", "pydoc"),
    *("pydoc_data", "readline", "rlcompleter", "setuptools", "sqlite3", "test", "tkinter", "turtle", "unittest"),
    *("webbrowser", "wsgiref", "xmlrpc"),
    # what modules of the standard library import for functions that no boot calls: random and shutil, email.message
    # (http.client uses the older policy), urllib.request, platform, logging, warnings
    *("_decimal", "_pydecimal", "bz2", "decimal", "fractions", "statistics", "tarfile"),
    *(
        "email.generator",
        "email.policy",
        "ftplib",
        "plistlib",
        "pickle",
        "tracemalloc",
    ),
)

ONLY_AT_IMPORT = (
    *(
        "ast",
        "csv",
        "ctypes._aix",
        "dis",
        "encodings.mbcs",
        "getopt",
        "getpass",
        "importlib.metadata",
        "importlib.resources",
    ),
    *("importlib.readers", "inspect", "netrc", "nturl2path", "opcode", "py_compile", "subprocess", "termios"),
    *("_strptime", "xml.sax.expatreader", "zipfile"),
)
"""Modules that others import in functions, none of which a boot calls: they are needed only where a module imports one
of them when it is imported itself, which differs between the versions of Python and of the libraries.
"""

NOT_AT_A_BOOT = (
    *("provision.commands.apply", "provision.commands.capture", "provision.commands.clean"),
    *("provision.commands.given_config", "provision.commands.replay", "provision.system.limits"),
    *("provision.commands.grow", "provision.commands.plan", "provision.commands.plan_output"),
    *("provision.commands.reset", "provision.commands.targets", "provision.commands.trial"),
    "provision.commands.validate",
    *("provision.commands.compatible.afterburn", "provision.commands.compatible.coreos_cloudinit"),
    "provision.commands.compatible.ignition.apply",
    *("provision.commands.compatible.ignition.rmcfg", "provision.commands.compatible.ignition.validate"),
    # what only these and the units of the real root use
    *("provision.metadata.azure_certificates", "provision.metadata.ignition_fragments"),
    *("provision.metadata.network.netplan", "provision.metadata.network.network_manager"),
    *("provision.config.reports.formats", "provision.config.reports.go_flags"),
    *("provision.config.reports.ignition_report", "provision.stages.disks.partitions.growth"),
    *("provision.planning.root.unknown_machine", "provision.system.block.image_devices"),
    *("provision.system.images", "provision.system.virtual_machine"),
)
"""Our modules that no boot runs."""

LIBRARY = "/usr/lib/provision"
OURS = (f"{LIBRARY}/provision/", f"{LIBRARY}/transpiler/")
DESCRIPTION = {"value": 0, "optional": 0, "list_of": 1, "nested": 1}
"""Functions that declare a field of a record -> which argument is its description."""

UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The flags of byte-code that is not checked against its source (PEP 552)."""

SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where tools for accounts are: the PATH of a builder may have programs of this machine only."""

PROGRAM = "/usr/bin/provision"
ALIASES = ("/usr/bin/ignition", "/usr/bin/provision-firstboot")


def refuse_missing_libraries() -> None:
    """Raises SystemExit, which names the libraries that are not installed, and their packages in Debian."""
    missing = [f"{name} (Debian: {package})" for name, package in LIBRARIES.items() if find_spec(name) is None]
    if missing:
        raise SystemExit(f"{sys.executable} lacks libraries that a first boot needs: {', '.join(missing)}")


def collect(tree: Path) -> list[tuple[str, str]]:
    """Write byte-code and the program into the tree; returns source and destination of each other file to install.

    Raises SystemExit if what a boot imports is not complete.
    """
    refuse_missing_libraries()
    standard = Path(get_path("stdlib")).resolve()
    binaries = [(sys.executable, sys.executable)]
    for module in _needed():
        source = Path(module.__file__ or "")
        place = _place(module, source.resolve(), standard)
        if source.suffix == ".py":
            _compile(source, place, tree)
        else:
            binaries.append((str(source), place))
    _install_program(tree)
    binaries += account_tools_for(tree)
    return binaries + [(library, library) for library in _libraries([source for source, _ in binaries])]


def _needed() -> list[Any]:
    absent = [*NEVER, *NOT_AT_A_BOOT]
    if find_spec("yaml") is None:
        absent += ["yaml", "transpiler"]  # the transpiler cannot read YAML without that library
    finder = _ModulesAtABoot(absent)
    # all others of our modules, because stages are imported by name, which a search for imports does not see
    names = [module.name for module in walk_packages(provision.__path__, "provision.")]
    ours = [name for name in names if not any(f"{name}.".startswith(f"{one}.") for one in NOT_AT_A_BOOT)]
    for name in ("provision", *ours, *DYNAMIC, *(f"encodings.{encoding}" for encoding in ENCODINGS)):
        finder.import_hook(name)
    _refuse_missing_modules(finder, absent)
    return [module for name, module in sorted(finder.modules.items()) if module.__file__ and not _is_builtin(name)]


class _ModulesAtABoot(ModuleFinder):
    """Finds imports, but those of ONLY_AT_IMPORT not in functions of libraries."""

    def __init__(self, absent: list[str]) -> None:
        super().__init__(excludes=absent)
        self._absent = absent

    def scan_code(self, co: CodeType, m: Any) -> None:
        """Find the modules that code imports, and the code in it."""
        before = self.excludes
        in_function = co.co_flags & CO_OPTIMIZED and not m.__name__.startswith(("provision", "transpiler"))
        self.excludes = [*self._absent, *(ONLY_AT_IMPORT if in_function else ())]
        if not in_function:
            for name in ONLY_AT_IMPORT:
                self.badmodules.pop(name, None)  # else it would not look again
        super().scan_code(co, m)
        self.excludes = before


def _refuse_missing_modules(finder: _ModulesAtABoot, absent: list[str]) -> None:
    """Raises SystemExit if our modules import what is not there, such as a part of the standard library."""
    imported = {
        name.partition(".")[0]
        for name, importers in finder.badmodules.items()
        if any(importer.partition(".")[0] == "provision" for importer in importers)
    }
    missing = imported - finder.modules.keys() - set(absent) - {"_typeshed"}  # that one is for types alone
    if missing:
        raise SystemExit(f"{sys.executable} lacks modules that a first boot needs: {', '.join(sorted(missing))}")


def _is_builtin(name: str) -> bool:
    """Whether the interpreter has a module in itself and never reads its file. By the file of `os` it finds others."""
    if name in {"importlib._bootstrap", "importlib._bootstrap_external"}:  # there under other names
        return True
    return name != "os" and FrozenImporter.find_spec(name) is not None


def _place(module: Any, source: Path, standard: Path) -> str:
    """The path of a module in the tree: those of the standard library keep theirs, all others are in one directory."""
    if source.is_relative_to(standard) and not {"site-packages", "dist-packages"} & set(source.parts):
        return str(source)
    package = module.__name__ if module.__path__ else module.__name__.rpartition(".")[0]
    return str(Path(LIBRARY, *package.split("."), source.name))


def _compile(source: Path, place: str, tree: Path) -> None:
    target = (tree / place.lstrip("/")).with_suffix(".pyc")
    target.parent.mkdir(parents=True, exist_ok=True)
    text = source.read_bytes()
    parsed = ast.parse(text, place)
    if place.startswith(OURS):
        parsed = _AtABoot().visit(parsed)
    # without docstrings, which are a sixth of the byte-code
    code = compile(parsed, place, "exec", dont_inherit=True, optimize=2)
    target.write_bytes(MAGIC_NUMBER + UNCHECKED_HASH + source_hash(text) + marshal.dumps(code))


class _AtABoot(ast.NodeTransformer):
    """Removes what nothing reads at a boot: the types of arguments and results, and the descriptions of fields."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Remove the types of a function. A declaration without statements keeps them: bundles are read by those."""
        if not all(isinstance(one, ast.Expr) for one in node.body):
            node.returns = None
            given = node.args
            for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
                if argument is not None:
                    argument.annotation = None
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Remove what only schemas and editors show from the declaration of a field (provision.config.model)."""
        if isinstance(node.func, ast.Name) and node.func.id in DESCRIPTION:
            place = DESCRIPTION[node.func.id]
            if len(node.args) == place + 1 and isinstance(node.args[place], ast.Constant | ast.JoinedStr):
                node.args[place] = ast.copy_location(ast.Constant(""), node.args[place])
                node.keywords = [one for one in node.keywords if one.arg not in {"example", "constraint"}]
        return self.generic_visit(node)


def account_tools_for(tree: Path, table: Path = Path("/etc/fstab"), searched: str = SEARCHED) -> list[tuple[str, str]]:
    """Source and destination of each tool for accounts that the tree has to have; writes a list of the others into it.

    The others are used where they are, in the root. The tree has to have a tool that links lead out of /usr, and all of
    them if by fstab(5) /usr is a file system of its own, which may be mounted too late.
    """
    there = {tool: path for tool in ACCOUNT_TOOLS if (path := which(tool, path=searched))}
    fields = [line.split() for line in (table.read_text("utf-8", "replace") if table.exists() else "").splitlines()]
    late = any(
        line[1:2] and posixpath.normpath(line[1]).lstrip("/") == "usr" and not line[0].startswith("#")
        for line in fields
    )
    taken = {tool: path for tool, path in there.items() if late or not is_reachable(posixpath.realpath(path))}
    if not late:
        target = tree / account_tools.LIST.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{tool}\n" for tool in there if tool not in taken))
    return [(posixpath.realpath(path), path) for path in taken.values()]


def _libraries(binaries: list[str]) -> list[str]:
    output = subprocess.run(["ldd", *binaries], stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted(set(re.findall(r"=> (/\S+)", output)))


def _install_program(tree: Path) -> None:
    program = tree / PROGRAM.lstrip("/")
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(
        f"#!{sys.executable} -IS\nimport sys\nsys.path.append({LIBRARY!r})\nfrom provision.cli import main\nmain()\n"
    )
    program.chmod(0o755)
    for alias in ALIASES:
        link = tree / alias.lstrip("/")
        link.unlink(missing_ok=True)
        link.symlink_to(Path(PROGRAM).name)


if __name__ == "__main__":
    if not sys.argv[1:]:
        refuse_missing_libraries()
        sys.exit()
    for source, place in collect(Path(sys.argv[1])):
        print(source, place, sep="\t")
