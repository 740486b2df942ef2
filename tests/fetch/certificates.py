"""Certificates as a real certificate authority makes them, by the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

Days = tuple[str, str]
"""First and last moment, as `20200101000000Z`."""


class Authority(NamedTuple):
    """A certificate authority in a directory."""

    directory: Path

    @property
    def certificate(self) -> bytes:
        return (self.directory / "ca.pem").read_bytes()

    def issue(self, name: str, *, days: Days | None = None, san: bool = True) -> Path:
        """A PEM file with key and certificate for a host name (`localhost`: for 127.0.0.1 too) or an IPv4 address.

        Without `san` the certificate has no subjectAltName, only a commonName.
        """
        where = self.directory
        kind = "IP" if name.replace(".", "").isdecimal() else "DNS"
        names = f"{kind}:{name}" + (",IP:127.0.0.1" if name == "localhost" else "")
        (where / f"{name}.ext").write_text(f"subjectAltName={names}\n" if san else "basicConstraints=CA:FALSE\n")
        subject = f"/CN={name[:64]}"
        _openssl(where, f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj {subject}")
        _sign(where, f"-in {name}.csr -out {name}.crt -extfile {name}.ext", days)
        both = where / f"{name}.pem"
        both.write_bytes((where / f"{name}.key").read_bytes() + (where / f"{name}.crt").read_bytes())
        return both


def authority(directory: Path, *, days: Days | None = None) -> Authority:
    """A new certificate authority."""
    (directory / "ca.cnf").write_text(CONFIG)
    (directory / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
    (directory / "index.txt").touch()
    subject = "/CN=Test_Authority"
    _openssl(directory, f"req -newkey rsa:2048 -nodes -keyout ca.key -out ca.csr -subj {subject}")
    _sign(directory, "-selfsign -in ca.csr -out ca.pem -extfile ca.ext", days)
    return Authority(directory)


def _sign(where: Path, what: str, days: Days | None) -> None:
    period = f"-startdate {days[0]} -enddate {days[1]}" if days else "-days 2"
    _openssl(where, f"ca -batch -notext -rand_serial -config ca.cnf {what} {period}")


CONFIG = """\
[ca]
default_ca=it
[it]
dir=.
new_certs_dir=.
database=index.txt
serial=serial
certificate=ca.pem
private_key=ca.key
default_md=sha256
policy=any
unique_subject=no
[any]
commonName=supplied
"""


def _openssl(at: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=at, check=True, capture_output=True)
