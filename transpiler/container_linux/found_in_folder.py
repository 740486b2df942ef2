"""Whether a file that is found in a folder, among YAML of all kinds, is a Container Linux Config."""

from __future__ import annotations

import re
from functools import cache

from transpiler.container_linux import option_versions, records
from transpiler.container_linux.recognise import OWN_SECTIONS

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
    fields = records.ContainerLinuxConfig.FIELDS
    keys = {one.name: {inner.name for inner in one.record.FIELDS} if one.record else set() for one in fields}
    keys["etcd"] |= {name for names in option_versions.ETCD.values() for name in names}
    keys["flannel"] |= {name for names in option_versions.FLANNEL.values() for name in names}
    return {name: frozenset(names) for name, names in keys.items()}
