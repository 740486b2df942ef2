"""Whether a YAML text is a Container Linux Config. Such a config does not name its format."""

from __future__ import annotations

from transpiler.reading.yaml_node import YamlNode

OWN_SECTIONS = frozenset({"etcd", "flannel", "locksmith", "update", "docker", "networkd"})
"""Sections that no Butane config has."""

SHARED_SECTIONS = frozenset({"ignition", "storage", "systemd", "passwd"})
"""Sections that Butane configs have too."""


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
