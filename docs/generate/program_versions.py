"""The version of sshd or NetworkManager that added each name -> `tables/since/`.

`python -m docs.generate.program_versions OPENSSH NETWORKMANAGER PACKAGE...` reads the keywords of sshd and the
properties of NetworkManager in git repositories of both (openssh-portable with tags such as `V_9_8_P1`, NetworkManager
with `1.52.0`), and the Debian packages `openssh-server` and `network-manager`. A name that an older package has is as
old as that package.

Names that the oldest version has are not listed, nor are those that no tag has, such as those of patches by
distributions. It is no part of `make generate`, because the result depends on the versions of others. For the next
version: fetch the tags, add the names with `docs.generate.content_tables`, then run this program.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping

from docs.generate.content_tables import TABLES, Rows, as_text, contents_of, of_package, read_table

OLDEST: Mapping[str, str] = {"sshd": "8.0", "keyfile": "1.26"}
"""Table -> the oldest version that is read; targets have later ones."""

Pairs = set[tuple[str, str]]
"""Section and name; a keyword of sshd has no section, and small letters."""


def of_sshd(source: str) -> Pairs:
    """The keywords in the table of sshd's `servconf.c`, those that it only refuses or ignores too."""
    table = source.partition("} keywords[] = {")[2].partition("\n};")[0]
    return {("", name) for name in re.findall(r'\{ "(\w+)", s\w+', table)}


def of_headers(headers: Iterable[str]) -> Pairs:
    """The properties that the headers of libnm name. Those of `ip-config` are of two sections."""
    found: Pairs = set()
    for text in headers:
        name = re.search(r'#define NM_SETTING_\w+_SETTING_NAME\s+"([\w-]+)"', text)
        sections = (name[1],) if name else ("ipv4", "ipv6") if "NM_SETTING_IP_CONFIG_METHOD" in text else ()
        properties = re.findall(r'#define NM_SETTING_\w+\s+"([a-z0-9-]+)"', text)
        found |= {(section, one) for section in sections for one in properties}
        found |= {("ethtool", one) for one in re.findall(r'#define NM_ETHTOOL_OPTNAME_\w+\s+"([a-z0-9-]+)"', text)}
    return found


def of_binary(program: bytes, names: Iterable[str]) -> Pairs:
    """The names that stand as texts of their own in a program."""
    texts = set(program.split(b"\0"))
    return {("", name) for name in names if name.encode() in texts}


def since(known: Iterable[tuple[str, Pairs]], oldest: str) -> dict[tuple[str, str], str]:
    """The first version of each pair that version `oldest` has not. `known` may be in any order, and name one twice."""
    first: dict[tuple[str, str], str] = {}
    for version, pairs in sorted(known, key=lambda one: _key(one[0])):
        for pair in pairs:
            first.setdefault(pair, version)
    return {pair: version for pair, version in first.items() if _key(version) > _key(oldest)}


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _git(repository: str, *arguments: str) -> str:
    return subprocess.run(["git", "-C", repository, *arguments], capture_output=True, text=True, check=True).stdout


def _tags(repository: str, form: str, oldest: str) -> Iterator[tuple[str, str]]:
    """Version and tag of each release from `oldest` on, oldest first."""
    found = [
        (".".join(match.groups()), tag) for tag in _git(repository, "tag").split() if (match := re.match(form, tag))
    ]
    return iter(sorted((one for one in found if _key(one[0]) >= _key(oldest)), key=lambda one: _key(one[0])))


def _of_openssh(repository: str) -> Iterator[tuple[str, Pairs]]:
    for version, tag in _tags(repository, r"V_(\d+)_(\d+)_P\d+$", OLDEST["sshd"]):
        yield version, of_sshd(_git(repository, "show", f"{tag}:servconf.c"))


def _of_networkmanager(repository: str) -> Iterator[tuple[str, Pairs]]:
    for version, tag in _tags(repository, r"(\d+)\.(\d*[02468])\.0$", OLDEST["keyfile"]):
        paths = _git(repository, "ls-tree", "-r", "--name-only", tag).split()
        headers = (
            path for path in paths if re.search(r"(libnm-core(-public)?/nm-setting-[\w-]+|nm-ethtool-utils)\.h$", path)
        )
        yield version, of_headers(_git(repository, "show", f"{tag}:{path}") for path in headers)


def _of_packages(names: Iterable[str], keywords: Iterable[str]) -> Iterator[tuple[str, str, Pairs]]:
    """Table, version and pairs of each package that has any."""
    for name in names:
        match = re.search(r"(?:openssh-server|network-manager)_(?:\d+:|\d+%3a)?(\d+\.\d+)", name)
        files = list(contents_of(name)) if match else []
        programs = [contents for path, contents in files if path.endswith("/sbin/sshd")]
        for program in programs:
            yield "sshd", match[1] if match else "", of_binary(program, keywords)
        if match and not programs:
            yield "keyfile", match[1], set(of_package(files).get("keyfile", {}))


def main() -> None:
    """Write the tables."""
    openssh, networkmanager, *names = sys.argv[1:]
    known = {"sshd": list(_of_openssh(openssh)), "keyfile": list(_of_networkmanager(networkmanager))}
    tagged = {table: set[tuple[str, str]]().union(*(pairs for _version, pairs in known[table])) for table in known}
    for table, version, pairs in _of_packages(names, {name for _section, name in tagged["sshd"]}):
        known[table].append((version, pairs & tagged[table]))
    for table, versions in known.items():
        first = since(versions, OLDEST[table])
        rows: Rows = {}
        for section, name in read_table((TABLES / f"{table}.txt").read_text()):
            pair = section, name.lower() if table == "sshd" else name
            if pair in first:
                rows[section, name] = first[pair]
        (TABLES / "since" / f"{table}.txt").write_text(as_text(rows))


if __name__ == "__main__":
    main()
