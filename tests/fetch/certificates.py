"""Certificates as a real certificate authority makes them, by the openssl program."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple


class Authority(NamedTuple):
    """A certificate authority in a directory."""

    directory: Path

    @property
    def certificate(self) -> bytes:
        return (self.directory / "ca.pem").read_bytes()

    def issue(self, name: str, *, days: tuple[str, str] | None = None) -> Path:
        """A PEM file with key and certificate for a host name and 127.0.0.1; `days` are its first and last moment."""
        where = self.directory
        both, request = where / f"{name}.pem", where / f"{name}.csr"
        extensions = where / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{name}" + (",IP:127.0.0.1" if name == "localhost" else "") + "\n")
        _openssl(
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-subj",
            f"/CN={name[:64]}",
            "-out",
            request.name,
            at=where,
        )
        if days is None:
            _openssl(
                *["x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"],
                "-in",
                request.name,
                "-extfile",
                extensions.name,
                "-out",
                f"{name}.crt",
                at=where,
            )
        else:
            (where / "index.txt").write_text("")
            (where / "serial").write_text("1000\n")
            (where / "ca.cnf").write_text(CA_CONFIG)
            _openssl(
                "ca",
                "-batch",
                "-config",
                "ca.cnf",
                "-startdate",
                days[0],
                "-enddate",
                days[1],
                "-in",
                request.name,
                "-extfile",
                extensions.name,
                "-out",
                f"{name}.crt",
                at=where,
            )
        both.write_bytes((where / f"{name}.key").read_bytes() + (where / f"{name}.crt").read_bytes())
        return both


CA_CONFIG = """\
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


def authority(directory: Path) -> Authority:
    """A new certificate authority."""
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "2",
        "-subj",
        "/CN=Test Authority",
        "-addext",
        "basicConstraints=critical,CA:TRUE",
        "-addext",
        "keyUsage=keyCertSign",
        at=directory,
    )
    return Authority(directory)


def _openssl(*arguments: str, at: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=at, check=True, capture_output=True)
