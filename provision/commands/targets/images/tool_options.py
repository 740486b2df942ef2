"""Which options a config may give to tools that work on disk images: those that reach nothing outside of the images.

The tools run as root. Several of their options, and every word that is not an option, name further files or devices to
read, write or format (a log device, a detached header, a tree to copy). A list of dangerous options would have to cover
all versions of the tools; so this is a list of harmless options, from the manual pages. It has no abbreviated options
(`--head`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from provision.config.format import WITHOUT_DEVICE, Config, Filesystem
from provision.config.problems import Path, Problem
from provision.failures import PlanRefused

HINT = (
    "on disk images tools get only options that are known to stay in the image; leave these out, "
    "or apply the config on the machine it is for"
)


class ToolOptions(NamedTuple):
    """The harmless options of a tool, by getopt(3)'s rules.

    `flags` and `valued` are letters, `long_flags` and `long_valued` words. `texts` are letters whose value is stored
    as text, so that it may contain a slash. `outside` has, by letter, the parts of a value that name files.
    """

    flags: str = ""
    valued: str = ""
    texts: str = ""
    long_flags: frozenset[str] = frozenset()
    long_valued: frozenset[str] = frozenset()
    outside: Mapping[str, frozenset[str]] = MappingProxyType({})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MAKERS = {
    "btrfs": ToolOptions(
        "MKfqv",
        "dmnsORbUl",
        "L",
        _words("mixed nodiscard force quiet verbose"),
        _words(
            "data metadata csum checksum nodesize leafsize sectorsize features runtime-features label uuid device-uuid "
            "byte-count"
        ),
    ),
    "ext4": ToolOptions("cjqvDFKSV", "begimorstCEGIJNORTU", "LM", outside={"J": frozenset({"device"})}),
    "xfs": ToolOptions(
        "KNqfCV",
        "bdilmnrs",
        "L",
        outside={
            "d": frozenset({"file", "name"}),
            "l": frozenset({"file", "name", "logdev"}),
            "r": frozenset({"file", "name", "rtdev"}),
        },
    ),
    "swap": ToolOptions("cfq", "pvU", "L", _words("check force quiet verbose lock"), _words("pagesize label uuid")),
    "vfat": ToolOptions("aAcIv", "bDfFhiMrRsS", "gn", _words("mbr invariant"), _words("codepage variant offset")),
}
"""mkfs.btrfs(8), mke2fs(8), mkfs.xfs(8), mkswap(8), mkfs.fat(8)."""

ARRAYS = ToolOptions(
    "foRqv",
    "bcdekNpuz",
    "",
    _words("assume-clean force run readonly quiet verbose write-mostly failfast write-behind"),
    _words(
        "bitmap bitmap-chunk chunk rounding consistency-policy data-offset delay layout metadata name parity size uuid"
    ),
)
"""mdadm(8), for --create."""

VOLUMES = ToolOptions(
    "qv",
    "chsSiIoM",
    "",
    _words(
        "batch-mode debug disable-keyring disable-locks force-password integrity-legacy-padding integrity-no-journal "
        "integrity-no-wipe iv-large-sectors use-random use-urandom verbose"
    ),
    _words(
        "align-payload cipher hash integrity iter-time key-size key-slot keyslot-cipher keyslot-key-size label "
        "luks2-keyslots-size luks2-metadata-size offset pbkdf pbkdf-force-iterations pbkdf-memory pbkdf-parallel "
        "sector-size subsystem type uuid"
    ),
)
"""cryptsetup-luksFormat(8)."""

OPENERS = ToolOptions(
    "rqv",
    "StTM",
    "",
    _words(
        "allow-discards batch-mode debug disable-external-tokens disable-keyring disable-locks integrity-no-journal "
        "iv-large-sectors perf-no_read_workqueue perf-no_write_workqueue perf-same_cpu_crypt "
        "perf-submit_from_crypt_cpus persistent readonly serialize-memory-hard-pbkdf verbose"
    ),
    _words("key-slot timeout tries type"),
)
"""cryptsetup-open(8); `--refresh` would change a mapping that is there already."""

MOUNT_OUTSIDE = _words(
    "bind rbind move remount loop offset sizelimit helper uhelper device logdev rtdev journal_dev journal_path "
    "upperdir lowerdir workdir verity.hashdevice verity.fecdevice"
)
"""Options of mount(8) and the kernel's file systems that name another device, file or mount."""

MOUNT_PATHS_INSIDE = ("subvol", "x-systemd.")
"""Beginnings of mount options whose value may contain a slash: paths inside the file system, options of systemd."""


def check_confined(config: Config) -> None:
    """Raises PlanRefused with every option in a config that could make a tool reach something outside of the images."""
    problems = [*_filesystems(config), *_arrays(config), *_volumes(config)]
    if problems:
        raise PlanRefused(problems, hint=HINT)


def _filesystems(config: Config) -> Iterator[Problem]:
    for index, entry in enumerate(config.storage.filesystems):
        path: Path = ("storage", "filesystems", index)
        options = MAKERS.get(entry.format or "")
        if options is not None:
            yield from _listed((*path, "options"), entry.options, options)
        if entry.format in WITHOUT_DEVICE:
            yield Problem(
                (*path, "device"), f"{entry.device} would be a share of this machine", rule="share-of-this-machine"
            )
        yield from _mount_options((*path, "mountOptions"), entry)


def _arrays(config: Config) -> Iterator[Problem]:
    for index, entry in enumerate(config.storage.raid):
        yield from _listed(("storage", "raid", index, "options"), entry.options, ARRAYS)
        if entry.name.startswith("-") or "/" in entry.name.removeprefix("/dev/").removeprefix("md/"):
            yield Problem(
                ("storage", "raid", index, "name"), f"{entry.name} is not a name for an array", rule="array-name"
            )


def _volumes(config: Config) -> Iterator[Problem]:
    for index, entry in enumerate(config.storage.luks):
        path: Path = ("storage", "luks", index)
        yield from _listed((*path, "options"), entry.options, VOLUMES)
        yield from _listed((*path, "openOptions"), entry.open_options, OPENERS)
        if entry.name.startswith("-") or "/" in entry.name:
            yield Problem((*path, "name"), f"{entry.name} is not a name for a volume", rule="volume-name")
        if (entry.clevis.custom.pin or "").startswith("-"):
            yield Problem((*path, "clevis", "custom", "pin"), "clevis would read it as an option", rule="clevis-option")


def _listed(path: Path, words: Sequence[str], options: ToolOptions) -> Iterator[Problem]:
    """Read the words as the tool does; a problem for every word that is not known to be harmless."""
    awaiting = ""
    for index, word in enumerate(words):
        if awaiting:
            reason, awaiting = _value(awaiting, word, options), ""
        elif word.startswith("--"):
            reason, awaiting = _long(word, options)
        elif word.startswith("-") and word != "-":
            reason, awaiting = _short(word, options)
        else:
            reason = "is neither an option nor the value of one; the tool would use it as a device"
        if reason:
            yield Problem((*path, index), f"{word} {reason}", rule="tool-option")
    if awaiting:
        yield Problem((*path, len(words) - 1), f"{words[-1]} lacks its value", rule="option-without-value")


def _long(word: str, options: ToolOptions) -> tuple[str, str]:
    """Why the word is refused (or empty), and the option whose value is the next word (or empty)."""
    name, equals, value = word[2:].partition("=")
    if name not in options.long_flags | options.long_valued:
        return "is not known to stay in the image", ""
    if not equals and name in options.long_valued:
        return "", name
    return _value(name, value, options), ""


def _short(word: str, options: ToolOptions) -> tuple[str, str]:
    for index, letter in enumerate(word[1:], 2):
        if letter in options.valued + options.texts:
            return (_value(letter, word[index:], options), "") if word[index:] else ("", letter)
        if letter not in options.flags:
            return "is not known to stay in the image", ""
    return "", ""


def _value(option: str, value: str, options: ToolOptions) -> str:
    if option in options.texts:
        return ""
    if "/" in value:
        return "holds a path"
    named = _names(value) & options.outside.get(option, frozenset())
    return f"names a file or device ({', '.join(sorted(named))})" if named else ""


def _names(value: str) -> set[str]:
    return {part.partition("=")[0].strip() for part in value.split(",")}


def _mount_options(path: Path, entry: Filesystem) -> Iterator[Problem]:
    for index, word in enumerate(entry.mount_options):
        if any(_leads_out(part.strip()) for part in word.split(",")):
            yield Problem((*path, index), f"{word} names something outside of the file system", rule="option-path")


def _leads_out(option: str) -> bool:
    name, _, value = option.lower().partition("=")
    return name in MOUNT_OUTSIDE or ("/" in value and not name.startswith(MOUNT_PATHS_INSIDE))
