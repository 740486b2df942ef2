"""Whether a YAML text is a Container Linux Config. Such a config does not name its format."""

from __future__ import annotations

import re
from functools import cache

from transpiler.reading.yaml_node import YamlNode

OWN_SECTIONS = frozenset({"etcd", "flannel", "locksmith", "update", "docker", "networkd"})
"""Sections that no Butane config has."""

SHARED_SECTIONS = frozenset({"ignition", "storage", "systemd", "passwd"})
"""Sections that Butane configs have too."""


_KEY = re.compile(r"""^( *)["']?([A-Za-z_][\w.-]*)["']?[ \t]*:(?=\s|$)""", re.MULTILINE)


def looks_like_container_linux_config(text: str) -> bool:
    """Whether a text that is found in a folder, among YAML of all kinds, is probably a Container Linux Config.

    All its sections are ct's, and one that no other kind of config has, has a key that ct knows. Other sections may as
    well be a part of a Butane config. The text is not parsed.
    """
    known = _keys_by_section()
    section, indentation, found = "", "", False
    for indent, key in _KEY.findall(text):
        if not indent:
            section, indentation = key, ""
            if section not in known:
                return False
        elif section:
            indentation = indentation or indent
            found = found or (indent == indentation and section in OWN_SECTIONS and key in known[section])
    return found


@cache
def _keys_by_section() -> dict[str, frozenset[str]]:
    from transpiler.container_linux import options, records

    fields = records.ContainerLinuxConfig.FIELDS
    keys = {one.name: {inner.name for inner in one.record.FIELDS} if one.record else set() for one in fields}
    keys["etcd"] |= {name for names in options.ETCD.values() for name in names}
    keys["flannel"] |= {name for names in options.FLANNEL.values() for name in names}
    return {name: frozenset(names) for name, names in keys.items()}


def is_container_linux_config(root: YamlNode | None) -> bool:
    """Whether the top of a text has no `variant`, at least one section of ct's, and only keys that ct has.

    With a `version` it is a Butane config whose variant is missing, except for `version: 0`, the only one of ct. JSON
    with `ignition.version` is an Ignition config. With a section that only ct has, other keys are taken for mistakes.
    """
    if root is None or root.kind != "mapping":
        return False
    top = {key.text: value for key, value in root.items}
    if "variant" in top or ("version" in top and top["version"].text != "0"):
        return False
    ignition = top.get("ignition")
    sections = ignition.items if ignition is not None and ignition.kind == "mapping" else ()
    if any(key.text == "version" for key, _ in sections):
        return False
    if top.keys() & OWN_SECTIONS:
        return True
    return bool(top) and top.keys() <= SHARED_SECTIONS | {"version"} and bool(top.keys() & SHARED_SECTIONS)
