"""Kernel arguments in a bundle: one is kept only if its name is known, and its value cannot be a secret."""

from __future__ import annotations

import re
from collections.abc import Callable

from provision.kernel_command_line import NETWORK, NETWORK_VALUES

HIDDEN = "..."
"""What is shown in place of a value."""

_WORD = re.compile(r"""(?:[^\s'"]|'[^']*(?:'|$)|"[^"]*(?:"|$))+""")

_FLAGS = "debug emergency nomodeset nosmt quiet rescue rhgb ro rw single splash"
"""Words that are kept without a value."""

_SWITCHES = """
    audit coreos.first_boot enforcing flatcar.first_boot ignition.firstboot mitigations net.ifnames provision.firstboot
    provision.reset quiet rd.auto rd.emergency rd.luks rd.lvm rd.md rd.multipath rd.neednet rd.retry rd.shell
    rd.timeout selinux systemd.log_level systemd.show_status
"""
"""Names whose value is a number or a word of `_CHOICE`."""

_CHOICE = r"(?:\d{1,4}|yes|no|on|off|true|false|auto|detected|debug|info|warning|error|halt|poweroff|reboot)?"
_DEVICE = r"(?:(?:LABEL|UUID|PARTLABEL|PARTUUID)=[\w.-]{1,40}|/dev/[\w/.-]{1,80})"
_VALUES = {
    "console": r"(?:null|(?:tty|hvc|ttyS|ttyAMA|ttyUSB|sclp)\d{0,3}(?:,\d{1,7}[noe]?\d?r?)?)",
    "ignition.platform.id": r"[a-z0-9]{1,16}",
    "loglevel": r"\d{1,2}",
    "nosmt": r"force",
    "provision.firstboot.device": r"efivar",
    "provision.firstboot.record": r"keep|ignore",
    NETWORK: "|".join(NETWORK_VALUES),
    "provision.on_failure": r"(?:hold|reboot|poweroff)(?::\d{1,6})?",
    "provision.platform.mismatch": r"allow",
    "provision.root": r"new",
    "provision.scripts": r"run",
    "provision.user_data": r"lock",
    "root": _DEVICE,
    "rootfstype": r"(?:btrfs|ext4|xfs|vfat|erofs|squashfs|auto)",
}
_KNOWN = {**dict.fromkeys(_SWITCHES.split(), _CHOICE), **_VALUES}

_NAMES = """
    crashkernel ignition.config.device ignition.config.hash ignition.config.path ignition.config.url init ip nameserver
    provision.config.drive provision.firstboot.wait provision.hostname provision.restamp provision.ssh_key
    provision.status.url rd.iscsi.initiator rd.luks.key rd.luks.name rd.luks.options rd.luks.uuid
    rd.lvm.lv rd.lvm.vg rd.md.uuid resume rootflags systemd.set_credential systemd.setenv systemd.unit
"""
"""Further names that are kept, without their values."""


def without_values(command_line: str) -> str:
    """A kernel command line with `...` in place of what may be secret, and of each word after `--`."""
    shown, for_init = [], False
    for word in words(command_line):
        shown.append(HIDDEN if for_init else argument(word, lambda _: HIDDEN))
        if word == "--" and not for_init:
            shown[-1], for_init = word, True
    return " ".join(shown)


def words(command_line: str) -> list[str]:
    """The words of a kernel command line as systemd reads it, without their quotes.

    White space separates words, except between quotes of either kind; a quote without another lasts to the end; a
    backslash is a character as any other. Source: proc_cmdline_parse in systemd's src/basic/proc-cmdline.c.
    """
    return [re.sub(r"'([^']*)(?:'|$)|\"([^\"]*)(?:\"|$)", r"\1\2", word) for word in _WORD.findall(command_line)]


def argument(word: str, filler: Callable[[str], str]) -> str:
    """A kernel argument if it is harmless; else its name, if that is known, with a filler; else a filler alone.

    `filler` makes the filler of the text that it stands for.
    """
    name, equals, value = word.partition("=")
    if not equals:
        return word if word in _FLAGS.split() or word in _SWITCHES.split() else filler(word)
    if re.fullmatch(_KNOWN.get(name, "(?!)"), value, re.ASCII):
        return word
    return f"{name}={filler(value)}" if name in _KNOWN or name in _NAMES.split() else filler(word)
