"""The commands of other programs in README, the tutorial and the guides: what runs each, or why nothing does."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.docs.test_commands import PAGES, ROOT, code

_PROGRAM = re.compile(
    r"(apt-get|butane|code|cp|ct|curl|docker|dracut|git|ln|make|mkdir|nano|npm|pip|podman|printf|python3|sed|systemctl"
    r"|timeout|[~/][\w./-]*/pip) "
)

_TUTORIAL = "tests/docs/test_commands.py"
_BOOTED = "tests/real/boot/build.sh"

RUN_BY: Mapping[str, str] = {
    "cp site.bu old.bu": _TUTORIAL,
    "mkdir -p root/etc": _TUTORIAL,
    "printf 'root:x:0:": _TUTORIAL,
    "sed -i s/node-7/node-8/ site.bu": _TUTORIAL,
    "make install-dracut": _BOOTED,
    "make install-initramfs-tools": _BOOTED,
    "dracut --force": _BOOTED,
    "make install-mkosi-initrd": _BOOTED,
    "make page": "Makefile",  # page-test
    "make demo": "tests/examples/test_demo.py",
    "make test": ".ci/run",
    "npm install --ignore-scripts --no-package-lock": ".github/workflows/ci.yml",
    "npm run package": ".github/workflows/ci.yml",
    "git config diff.provision.": "tests/transpiler/commands/test_diff_for_git.py",
    "git worktree add": "tests/transpiler/commands/test_diff_for_git.py",
    "ct -in-file config.yaml": "tests/transpiler/commands/test_ct.py",
}
"""The beginning of a command -> the file that runs it, maybe with other options."""

NOT_RUN: Mapping[str, str] = {
    "apt-get install": "it changes the machine of the tests; .ci/install installs the same packages",
    "butane --strict site.bu": "the program that is replaced; golden cases compare with it",
    "code --install-extension": "an editor with a window",
    "ln -s": "it writes outside of a test's folder",
    "pip install": "it needs a package registry; test_installation.py installs the wheel",
    "~/provision/bin/pip install": "the same",
    "/opt/provision/bin/pip install": "the same",
    "python3 -m http.server": "it runs until it is stopped; the test of the page serves the same folder",
    "python3 -m venv": "it is the environment in which the tests run",
    "systemctl status hello.service": "on the machine that provision try has booted",
    "timeout 900 provision try": "it boots a machine for minutes: tests/real/boot/matrix/tried_configs.py",
}
"""The beginning of a command -> why it is not run."""


def found() -> set[str]:
    """The command lines of other programs in all pages."""
    return {line for page in PAGES for line in code(page.read_text("utf-8")) if _PROGRAM.match(line)}


def test_each_command_is_run_somewhere_or_has_a_reason() -> None:
    known = (*RUN_BY, *NOT_RUN)
    assert {line for line in found() if not line.startswith(known)} == set()
    assert {one for one in known if not any(line.startswith(one) for line in found())} == set()


def test_the_files_that_run_them_exist() -> None:
    assert [name for name in RUN_BY.values() if not (ROOT / name).exists()] == []
