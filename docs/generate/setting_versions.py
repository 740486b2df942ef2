"""The version of systemd or podman that added each setting -> `transpiler/lint/content/tables/since/`.

`python -m docs.generate.setting_versions SYSTEMD PODMAN PACKAGE...` reads the tables of settings in git repositories of
systemd and podman, of each version (a tag such as `v256`, or `v5.6.0`) from OLDEST and FIRST_WITH_QUADLETS on. For
settings of systemd that no tag has, it reads the manual pages of Debian packages of systemd ("Added in version 258"). A
setting that an older package has is as old as that package: stable releases may get settings of later versions.

Settings that the oldest version has are not listed, nor are those whose version is not certain. It is no part of `make
generate`, because the result depends on the versions of others.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping

from docs.generate.content_tables import (
    SECTIONS_OF_UNITS,
    TABLES,
    Rows,
    as_text,
    contents_of,
    of_package,
    of_quadlets,
    read_table,
)

OLDEST = 239
"""The oldest version that a target has."""

FIRST_WITH_QUADLETS = "4.4"

SOURCES: Mapping[str, tuple[str, ...]] = {
    "units": ("src/core/load-fragment-gperf.gperf.in", "src/core/load-fragment-gperf.gperf.m4"),
    "networkd": ("src/network/networkd-network-gperf.gperf", "src/network/netdev/netdev-gperf.gperf"),
    "link": ("src/udev/net/link-config-gperf.gperf",),
}
"""Table -> the files of systemd's source that list its settings. Not each version has each file."""

_MACRO = re.compile(
    r"\{%- macro (?P<name>\w+)\(type\) -%\}(?P<body>.*?)\{%- endmacro -%\}"
    r"|m4_define\(`(?P<old_name>\w+)',\n`(?P<old_body>.*?)'\n?\)m4_dnl",
    re.DOTALL,
)

_CALL = re.compile(r"\{\{ *(\w+)\('(\w+)'\) *\}\}|^(\w+)\((\w+)\)m4_dnl", re.MULTILINE)


def of_source(text: str) -> set[tuple[str, str]]:
    """The pairs of section and setting in a table of systemd's source, its macros among them."""
    macros = {match["name"] or match["old_name"]: match["body"] or match["old_body"] for match in _MACRO.finditer(text)}
    rest = _MACRO.sub("", text)
    found = set(re.findall(r"^`?([\w-]+)\.(\w+),", rest, re.MULTILINE))
    for new_name, new_type, old_name, old_type in _CALL.findall(rest):
        body = macros.get(new_name or old_name, "")
        names = re.findall(r"^[ `]*(?:\{\{type\}\}|\$1)\.(\w+),", body, re.MULTILINE)
        found |= {(new_type or old_type, name) for name in names}
    return found


def first_versions(known: Iterable[tuple[int, set[tuple[str, str]]]]) -> dict[tuple[str, str], int]:
    """The first version of each pair, from the pairs of each version, oldest first."""
    first: dict[tuple[str, str], int] = {}
    for version, pairs in known:
        for pair in pairs:
            first.setdefault(pair, version)
    return first


def of_manual(page: str) -> dict[str, int]:
    """The settings that a manual page dates: name -> version. Several names may share one date."""
    plain = page.replace("\\-", "-")
    found: dict[str, int] = {}
    waiting: list[str] = []
    for line in plain.splitlines():
        if line.startswith((".SH", ".SS")):
            waiting = []
        elif names := re.findall(r"^\\fI([A-Z]\w+)=", line):
            waiting += names
        elif match := re.match(r"Added in version (\d+)", line):
            found.update({name: max(int(match[1]), found.get(name, 0)) for name in waiting})
            waiting = []
        elif line == ".RE":
            waiting = []
    return found


def _of_tag(repository: str, version: int) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    for table, paths in SOURCES.items():
        found: set[tuple[str, str]] = set()
        for path in paths:
            found |= of_source(_file(repository, f"v{version}", path))
        yield table, found


def _file(repository: str, tag: str, path: str) -> str:
    """A file of a version; empty if it has no such file."""
    command = ["git", "-C", repository, "show", f"{tag}:{path}"]
    return subprocess.run(command, capture_output=True, check=False).stdout.decode()


def _tags(repository: str) -> list[str]:
    return subprocess.run(["git", "-C", repository, "tag"], capture_output=True, text=True, check=True).stdout.split()


def _versions(repository: str) -> list[int]:
    versions = (int(tag[1:]) for tag in _tags(repository) if re.fullmatch(r"v\d+", tag))
    return sorted(one for one in versions if one >= OLDEST)


def _of_podman(repository: str) -> Rows:
    """Each setting of quadlets that is newer than the first quadlets, with the version of podman that added it."""
    tags = (re.fullmatch(r"v(\d+)\.(\d+)\.0", tag) for tag in _tags(repository))
    rows: Rows = {}
    for major, minor in sorted((int(match[1]), int(match[2])) for match in tags if match):
        source = _file(repository, f"v{major}.{minor}.0", "pkg/systemd/quadlet/quadlet.go")
        for pair in of_quadlets(source) if source else ():
            rows.setdefault(pair, f"{major}.{minor}")
    known = read_table((TABLES / "units.txt").read_text())
    return {pair: version for pair, version in rows.items() if version != FIRST_WITH_QUADLETS and pair in known}


class _Packages:
    """What Debian's packages say: the settings of the programs of each version, and the dates in the manuals."""

    def __init__(self, names: Iterable[str]) -> None:
        self.has: dict[int, dict[str, Rows]] = {}
        self.dates: dict[str, int] = {}
        for name in names:
            match = re.search(r"/?(?:systemd|libsystemd-shared|udev)_(\d+)[.~]", name)
            files = list(contents_of(name))
            for table, rows in of_package(files).items():
                if match:
                    self.has.setdefault(int(match[1]), {}).setdefault(table, {}).update(rows)
            for path, contents in files:
                if re.search(r"/man5/systemd\.[\w-]+\.5\.gz$", path):
                    for setting, version in of_manual(gzip.decompress(contents).decode()).items():
                        self.dates[setting] = max(version, self.dates.get(setting, 0))

    def dated(self, pair: tuple[str, str], newest: int) -> int:
        """The version of a setting that version `newest` does not have; 0 if it is not certain."""
        date = self.dates.get(pair[1], 0)
        return 0 if date <= newest else date

    def oldest_with(self, table: str, pair: tuple[str, str]) -> int:
        """The oldest package that has a setting. Stable releases may get settings of later versions."""
        having = (version for version, tables in self.has.items() if pair in tables.get(table, {}))
        return min(having, default=sys.maxsize)


def main() -> None:
    """Write the tables."""
    repository, podman, *names = sys.argv[1:]
    versions, packages = _versions(repository), _Packages(names)
    known = {version: dict(_of_tag(repository, version)) for version in versions}
    for table in SOURCES:
        first = first_versions((version, known[version][table]) for version in versions)
        rows: Rows = {}
        for pair in read_table((TABLES / f"{table}.txt").read_text()):
            if table == "units" and pair[0] not in SECTIONS_OF_UNITS:
                continue  # a setting of podman
            version = first.get(pair) or packages.dated(pair, versions[-1])
            version = min(version, packages.oldest_with(table, pair))
            if version > OLDEST:
                rows[pair] = str(version)
        (TABLES / "since" / f"{table}.txt").write_text(as_text(rows))
    (TABLES / "since" / "quadlets.txt").write_text(as_text(_of_podman(podman)))


if __name__ == "__main__":
    main()
