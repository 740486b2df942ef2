"""What `provision apply` writes for a Container Linux Config, and what systemd would start of it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.target_root import new_root

ROOT = Path(__file__).parents[3]
PROGRAMS = {
    "/usr/lib/coreos/etcd-wrapper": shutil.which("etcd"),
    "/usr/lib/coreos/flannel-wrapper": shutil.which("flanneld"),
    "/usr/bin/etcdctl": shutil.which("etcdctl"),
}
"""Program of Container Linux -> the program on PATH that it starts."""

ETCD_DROPIN = "etc/systemd/system/etcd-member.service.d/20-clct-etcd-member.conf"
FLANNEL_DROPIN = "etc/systemd/system/flanneld.service.d/20-clct-flannel.conf"


def run(*argv: str, text: str = "") -> str:
    """The output of a program that ends well."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def applied(tmp_path: Path, name: str, config: str) -> Path:
    """A tree to which the config is applied."""
    tree = new_root(tmp_path / name)
    made = run(sys.executable, "-m", "transpiler", "--platform", "custom", text=config)
    (tmp_path / f"{name}.ign").write_text(made)
    run(sys.executable, "-m", "provision", "apply", str(tmp_path / f"{name}.ign"), "--root", str(tree), "--quiet")
    return tree


def metadata(name: str, address: str) -> dict[str, str]:
    """The variables of the metadata file of a machine."""
    return {"COREOS_CUSTOM_HOSTNAME": name, "COREOS_CUSTOM_PRIVATE_IPV4": address}


def command(dropin: Path, setting: str, variables: dict[str, str]) -> list[str]:
    """What systemd starts for a setting of a drop-in (systemd.service(5), command lines), with the programs on PATH."""
    lines = dropin.read_text().replace("\\\n", " ").splitlines()
    program, *words = shlex.split(next(line.partition("=")[2] for line in lines if line.startswith(f"{setting}=/")))
    filled_in = [re.sub(r"\$\{(\w+)\}", lambda found: variables[found[1]], word) for word in words]
    return [str(PROGRAMS[program]), *(word for word in filled_in if word not in {"$ETCD_OPTS", "$FLANNEL_OPTS"})]
