"""What collect.py writes: byte-code that carries out configs as the sources do, and how much of it old formats have."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

from provision.system.programs.account_tools import LIST
from provision.system.programs.confinement import ACCOUNT_TOOLS
from tests.architecture.imports import imports, sources

pytestmark = pytest.mark.slow  # four seconds

HOUSE = Path(__file__).parents[2]

OLD_FORMATS = re.compile(
    r"/provision/(config/old_versions|metadata)/|/provision/commands/metadata\.|/machine_addresses\.|/schemes/oem\."
    r"|/url_variables\.|/user_data/script\.|/transpiler/(cloud_config|container_linux)/"
)
"""What a machine needs for Ignition 1 and 2.x, cloud-configs, scripts, `oem:` URLs, and the platform's metadata."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree that collect.py has written with the interpreter of the tests, which has PyYAML."""
    tree = tmp_path_factory.mktemp("tree")
    argv = [sys.executable, "-X", "no_debug_ranges", str(HOUSE / "dracut/engine/collect.py"), str(tree)]
    subprocess.run(argv, check=True, cwd=HOUSE, env={"PYTHONPATH": str(HOUSE)}, stdout=subprocess.DEVNULL)
    return tree


def run(tree: Path, code: str) -> str:
    """The output of an interpreter that finds only the tree's packages, and its standard library."""
    script = f"import sys; sys.path.append({str(tree / 'usr/lib/provision')!r})\n{code}"
    done = subprocess.run([sys.executable, "-IS", "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "text",
    [
        '{"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/motd"}]}}',
        '{"ignition": {"version": "2.3.0"}, "storage": {"files": [{"filesystem": "root", "path": "/etc/motd"}]}}',
        "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/motd}]}\n",
        "#cloud-config\nwrite_files: [{path: /etc/motd, content: hello}]\n",
    ],
)
def test_every_kind_of_user_data_is_read(tree: Path, text: str) -> None:
    code = f"""
from provision.yaml_or_json import validate_text
outcome = validate_text({text.encode()!r}, "user-data")
print(*(file.path for file in outcome.config.storage.files))"""
    assert run(tree, code) == "/etc/motd"


def test_a_container_linux_config_is_refused_with_what_to_do(tree: Path) -> None:
    code = """
from provision.failures import FetchFailed
from provision.yaml_or_json import validate_text
try:
    validate_text(b"etcd: {name: a}", "user-data")
except FetchFailed as failed:
    print(failed.message, failed.hint, sep="; ")"""
    told = "user-data: is a Container Linux Config, which no machine reads; make Ignition JSON of it: transpile CONFIG"
    assert run(tree, code) == told


def test_the_libraries_that_a_boot_needs_are_those_that_are_looked_for(tree: Path) -> None:
    """PyYAML alone may be missing: then user data in YAML is refused."""
    code = "from collect import LIBRARIES\nprint(*LIBRARIES)"
    places = {"PYTHONPATH": f"{HOUSE}:{HOUSE / 'dracut/engine'}"}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=places, stdout=subprocess.PIPE, text=True)
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    required = {
        re.split("[^a-z0-9]", one)[0]
        for one in (*project["dependencies"], *project["optional-dependencies"]["machine"])
    }
    assert set(done.stdout.split()) == required - {"jsonschema", "pyyaml", "pyparted"}
    collected = {path.name for path in (tree / "usr/lib/provision").iterdir() if path.is_dir()}
    assert collected == {"provision", "transpiler", "yaml", *done.stdout.split()}


def test_a_missing_part_of_the_standard_library_is_named(tmp_path: Path) -> None:
    """As where only python3-minimal is installed. What only a library imports may be missing."""
    script = f"""
import sys
sys.path[:0] = [{str(HOUSE / "dracut/engine")!r}, {str(HOUSE)!r}]
import collect
finder = collect._ModulesAtABoot(["yaml"])
finder.import_hook("provision.system.block.loops")
collect._refuse_missing_modules(finder, ["yaml"])
finder.badmodules["zoneinfo"] = {{"provision.fetch.http.client": 1}}
finder.badmodules["yaml"] = {{"provision.yaml_or_json": 1}}
finder.badmodules["brotli"] = {{"urllib3.response": 1}}
collect._refuse_missing_modules(finder, ["yaml"])"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{sys.executable} lacks modules that a first boot needs: zoneinfo\n"


ABSENT = {
    ("provision.commands.metadata", "provision.metadata.network.network_manager"): "in the real root",
    ("provision.metadata.machine_metadata", "provision.metadata.network.netplan"): "in the real root",
    ("provision.metadata.azure", "provision.metadata.azure_certificates"): "keys are asked for in the real root",
    ("provision.yaml_or_json", "transpiler.composition.values"): "for lints, which are for authors",
    ("provision.yaml_or_json", "transpiler.cloud_config.validator"): "for coreos-cloudinit -validate",
}
"""Who imports what is not there -> when. All of them do so in a function."""


def test_what_a_module_of_a_boot_imports_is_there_too(tree: Path) -> None:
    """Else it fails in the one boot that calls the function with that import."""
    library = tree / "usr/lib/provision"
    paths = (path.relative_to(library).with_suffix("") for path in library.rglob("*.pyc"))
    there = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    missing = {
        (name, one.target): one.lazy
        for name in there & sources().keys()
        if name.startswith("provision.")
        for one in imports(name)
        if one.target in sources() and one.target not in there and not one.for_types
    }
    assert "provision.commands.firstboot" in there
    assert missing == dict.fromkeys(ABSENT, True)


def test_the_answers_of_a_bundle_can_be_read(tree: Path) -> None:
    """They are read by the types of the results of MachineView, which its declarations keep."""
    code = """
from provision.bundle.value_json import answer_of
print(answer_of("host_children", ["a"]))"""
    assert run(tree, code) == "('a',)"


def test_libraries_above_urllib3_and_what_only_they_import_are_not_there(tree: Path) -> None:
    there = {path.relative_to(tree).with_suffix("").parts[-2:] for path in tree.rglob("*.pyc")}
    assert ("urllib3", "connectionpool") in there
    modules = {name for _, name in there} | {package for package, _ in there}
    assert modules & {"requests", "certifi", "charset_normalizer", "chardet", "cookiejar", "bz2"} == set()
    assert ("urllib", "request") not in there


@pytest.mark.parametrize(
    ("table", "taken"),
    [
        (None, False),
        ("# LABEL=usr /usr ext4\n\nLABEL=root / ext4 defaults 0 1\nLABEL=home /usr/local ext4\n", False),
        ("LABEL=root / ext4\nLABEL=usr\t/usr ext4 ro 0 2\n", True),
        ("LABEL=usr //usr/ ext4 ro 0 0\n", True),
    ],
)
def test_tools_for_accounts_are_those_of_the_root_unless_usr_may_come_late(
    tmp_path: Path, table: str | None, *, taken: bool
) -> None:
    path = tmp_path / "fstab"
    if table is not None:
        path.write_text(table)
    code = f"""
from collect import account_tools_for
from pathlib import Path
print(*(place for _, place in account_tools_for(Path({str(tmp_path)!r}), Path({str(path)!r}))))"""
    places = {"PYTHONPATH": f"{HOUSE}:{HOUSE / 'dracut/engine'}"}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=places, stdout=subprocess.PIPE, text=True)
    listed = tmp_path / LIST.lstrip("/")
    there = [one for tool in ACCOUNT_TOOLS if (one := shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin"))]
    assert done.stdout.split() == (there if taken else [])
    assert (listed.read_text().split() if listed.exists() else []) == (
        [] if taken else [Path(one).name for one in there]
    )


def test_a_tool_that_a_link_leads_out_of_usr_is_taken(tmp_path: Path) -> None:
    """The engine would refuse it in the root."""
    for tool, target in (("useradd", tmp_path / "real"), ("groupadd", Path("/usr/bin/env"))):
        (tmp_path / tool).symlink_to(target)
    (tmp_path / "real").touch(mode=0o755)
    code = f"""
from collect import account_tools_for
from pathlib import Path
print(account_tools_for(Path({str(tmp_path)!r}), Path("/absent"), {str(tmp_path)!r}))"""
    places = {"PYTHONPATH": f"{HOUSE}:{HOUSE / 'dracut/engine'}"}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=places, stdout=subprocess.PIPE, text=True)
    assert done.stdout == f"{[(str(tmp_path / 'real'), str(tmp_path / 'useradd'))]}\n"
    assert (tmp_path / LIST.lstrip("/")).read_text() == "groupadd\n"


@pytest.mark.skipif(shutil.which("zstd") is None, reason="zstd is not installed")
def test_bytes_of_old_formats(tree: Path) -> None:
    files = sorted(tree.rglob("*.pyc"))
    assert packed(files) - packed(file for file in files if not OLD_FORMATS.search(str(file))) < 62_000


def packed(files: Iterable[Path]) -> int:
    """The bytes of an archive of the files as `zstd -19` packs them."""
    joined = b"".join(file.read_bytes() for file in files)
    return len(subprocess.run(["zstd", "-19", "-q", "-c"], input=joined, check=True, stdout=subprocess.PIPE).stdout)
