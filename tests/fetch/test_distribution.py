"""The same tests with the distribution's own urllib3: Debian 12 has urllib3 1.26, where TLS and timeouts differ."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = "/usr/bin/python3"
HERE = Path(__file__).parent
START = """
import sys
packages, *arguments = sys.argv[1:]
import urllib3
print("urllib3", urllib3.__version__)
sys.path.append(packages)
import pytest
sys.exit(pytest.main(arguments))
"""
TESTS = {
    "http/test_client.py": "https or common or proxy",
    "http/test_answer.py": "",
    "test_hostile.py": "tls or handshake or proxy or interim or odd or outlast",
    "test_hostile_server.py": "feature or deadline",
    "http/test_redirects.py": "parsers or library or secret or location",
    "http/test_real_proxy.py": "",
}
"""What depends on the library: of each file the tests whose names hold these words."""


def lacking() -> str:
    """The reason why the distribution's Python cannot run the tests; empty if it can."""
    question = "import urllib3, sys; print('{}.{}'.format(*sys.version_info))"
    command = [PYTHON if Path(PYTHON).exists() else "false", "-c", question]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    ours = "{}.{}".format(*sys.version_info)
    return "" if told == ours else f"python3-urllib3, and a {PYTHON} of version {ours}"


@pytest.mark.disks
@pytest.mark.peer
@pytest.mark.skipif(bool(lacking()), reason=f"needs {lacking()}")
@pytest.mark.parametrize("name", TESTS)
def test_it_is_all_the_same_with_the_distributions_urllib3(name: str, tmp_path: Path) -> None:
    packages = Path(pytest.__file__).parents[1]
    options = ["-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path}/child", "-k", TESTS[name], str(HERE / name)]
    ended = subprocess.run(
        [PYTHON, "-c", START, packages, *options], capture_output=True, text=True, cwd=HERE.parents[1], check=False
    )
    assert ended.returncode == 0, ended.stdout
    print(ended.stdout)
