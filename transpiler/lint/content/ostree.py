"""The directories of systems made with rpm-ostree: links, and a root directory in which nothing can be made.

Sources: "Configuring Storage" and "Composefs" in the documentation of Fedora CoreOS; coreos/rpm-ostree,
`rust/src/composepost.rs`.
"""

from __future__ import annotations

from transpiler.lint.source import LintInput

_LINKS = {
    "/home": "/var/home",
    "/mnt": "/var/mnt",
    "/opt": "/var/opt",
    "/root": "/var/roothome",
    "/srv": "/var/srv",
    "/usr/local": "/var/usrlocal",
}

_IN_THE_ROOT = frozenset(
    [
        *("afs", "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "ostree", "proc"),
        *("root", "run", "sbin", "srv", "sys", "sysroot", "tmp", "usr", "var"),
    ]
)

_WITHOUT_COMPOSEFS = "ostree.prepare-root.composefs=0"

_SETTINGS_OF_THE_ROOT = "/etc/ostree/prepare-root.conf"


def is_ostree(source: LintInput) -> bool:
    """Whether the config is for a system made with rpm-ostree."""
    return source.variant.name in {"fcos", "openshift", "r4e", "fiot"}


def link_above(path: str) -> tuple[str, str]:
    """The link that a normal path leads through or is, and its target; empty texts if there is none."""
    for link, target in _LINKS.items():
        if path == link or path.startswith(link + "/"):
            return link, target
    return "", ""


def real_path(path: str) -> str:
    """Where a normal path leads to."""
    link, target = link_above(path)
    return target + path[len(link) :] if link else path


def needs_new_directory(path: str) -> bool:
    """Whether a normal path needs something new in the root directory."""
    return path.split("/")[1] not in {"", *_IN_THE_ROOT}


def has_read_only_root(source: LintInput) -> bool:
    """Whether the root directory takes nothing new.

    With a kernel argument or a setting of the root that may allow it, this is not known, and so no.
    """
    arguments = getattr(source.record, "kernel_arguments", None)
    wanted = [str(one) for one in getattr(arguments, "should_exist", ())]
    files = {file.path for file in source.record.storage.files}
    return _WITHOUT_COMPOSEFS not in wanted and _SETTINGS_OF_THE_ROOT not in files
