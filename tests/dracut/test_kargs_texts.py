"""The texts that the helper for kernel arguments changes, as sh and GRUB read them afterwards."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dracut.kargs_helper import helper

MENUS = st.lists(
    st.sampled_from(
        [
            "linux /vmlinuz",
            "\tlinux\t/vmlinuz-6.1 root=LABEL=root ro quiet  # 'a comment",
            "menuentry 'Linux; linux /x quiet' { linux /vmlinuz quiet nosmt; initrd /initrd }",
            "linuxefi ($root)/vmlinuz root=a 'quiet' \"nosmt\" -- quiet",
            "if true; then linux /vmlinuz quiet; fi",
            "linux16 /memtest.bin quiet",
            "linux /boot/memtest86+x64.bin quiet",
            "# linux /vmlinuz quiet",
            'menuentry "It\'s Linux" --class linux {',
            'linux /vmlinuz dyndbg="file a +p; b" quiet\\ly',
            "initrd /initrd",
        ]
    ),
    max_size=4,
).map("\n".join)

ASSIGNMENTS = st.sampled_from(
    [
        'GRUB_CMDLINE_LINUX="{}"',
        "GRUB_CMDLINE_LINUX='{}'",
        'export GRUB_CMDLINE_LINUX="{}" # not "quiet"',
        "GRUB_CMDLINE_LINUX_DEFAULT='{}'  # quiet",
        'GRUB_CMDLINE_LINUX_DEFAULT="{}"',
        'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {}"',
        'GRUB_CMDLINE_LINUX="{}\\\n c"',
        "# GRUB_CMDLINE_LINUX={}",
        "GRUB_CMDLINE_LINUX=quiet",
        "GRUB_CMDLINE_LINUX= # quiet",
        "GRUB_CMDLINE_LINUX_DEFAULT=nosmt",
        'if false; then\n  GRUB_CMDLINE_LINUX="{}"\nfi',
        'if true; then\n  GRUB_CMDLINE_LINUX="{}"\nfi',
        'GRUB_TIMEOUT=5; GRUB_DISTRIBUTOR="$(echo a)"',
    ]
)
SETTINGS = st.lists(
    st.tuples(ASSIGNMENTS, st.sampled_from(["", "quiet", "a quiet b", "nosmt", "quiet nosmt", 'a=b "c d" quiet'])).map(
        lambda one: one[0].format(one[1].replace('"', "" if "'" in one[0] else '\\"'))
    ),
    max_size=4,
).map("\n".join)

ARGUMENTS = st.sampled_from(["nosmt", "a=b c", 'dyndbg="file a +p"', "console=ttyS0,115200", "x=*"])
FREELY = hypothesis.settings(max_examples=40, deadline=None)


def edit(function: str, text: str, wanted: str, unwanted: str) -> str:
    """The text after a change, by a function of the helper; a second change finds nothing to do."""
    change = helper()["Change"]([wanted.encode()], [unwanted.encode()])
    edited: Callable[[bytes, object], bytes] = helper()[function]
    after = edited(text.encode(), change)
    assert edited(after, change) == after
    return after.decode()


def has(words: list[str], argument: str) -> bool:
    sought = shlex.split(argument)
    return any(words[start : start + len(sought)] == sought for start in range(len(words)))


def kernels(menu: str) -> Iterator[list[str]]:
    """The arguments of each kernel in a grub.cfg, read as sh would."""
    for line in menu.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars=";")
        words.commenters, words.whitespace_split = "", True
        read = []
        for word in words:
            if word.startswith("#"):
                break
            read.append(word)
        for start, command in enumerate(read):
            begins = start == 0 or read[start - 1] in {"{", ";", "then"}
            if begins and command in {"linux", "linuxefi"} and "memtest" not in read[start + 1]:
                rest = [*read[start + 2 :], ";"]
                yield [*rest[: rest.index(";")], "--"]


@FREELY
@given(menu=MENUS, wanted=ARGUMENTS)
def test_each_kernel_of_a_menu_gets_the_arguments(menu: str, wanted: str) -> None:
    try:
        before = list(kernels(menu))
    except ValueError:  # the comment has a quote
        menu = menu.replace("'a comment", "a comment")
        before = list(kernels(menu))
    after = list(kernels(edit("_menu", menu, wanted, "quiet")))
    assert len(after) == len(before)
    for old, new in zip(before, after, strict=True):
        arguments = new[: new.index("--")]
        assert has(arguments, wanted)
        assert "quiet" not in arguments
        assert new[new.index("--") :] == old[old.index("--") :]
        assert [one for one in arguments if one not in shlex.split(wanted)] == [
            one for one in old[: old.index("--")] if one not in [*shlex.split(wanted), "quiet"]
        ]


def mkconfig(*texts: str) -> tuple[list[str], list[str]]:
    """What grub-mkconfig writes after the kernel, in the words of GRUB: in each entry, and in the first."""
    script = "\n".join([*texts, 'printf "%s\\0" "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT"'])
    done = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True, timeout=60)
    main, default, _ = done.stdout.split("\0")
    return shlex.split(main), shlex.split(default)


@FREELY
@given(text=SETTINGS, part=SETTINGS, wanted=ARGUMENTS)
def test_the_next_grub_mkconfig_has_the_arguments(text: str, part: str, wanted: str) -> None:
    main, default = mkconfig(edit("_defaults", text, wanted, "quiet"), edit("_assigned", part, wanted, "quiet"))
    assert has(main, wanted)
    assert "quiet" not in [*main, *default]
    old = [one for words in mkconfig(text, part) for one in words]
    sought = [*shlex.split(wanted), "quiet"]
    assert [one for one in [*main, *default] if one not in sought] == [one for one in old if one not in sought]


@pytest.mark.parametrize("text", ["", "GRUB_TIMEOUT=5", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'])
def test_settings_without_the_variable_get_it(text: str) -> None:
    assert mkconfig(edit("_defaults", text, "nosmt", "quiet")) == (["nosmt"], [])


@pytest.mark.parametrize(
    ("text", "after"),
    [("", "nosmt\n"), ("root=a\nquiet b\n", "root=a\nb nosmt\n"), ("# quiet", "# quiet\nnosmt\n")],
)
def test_a_file_of_arguments(text: str, after: str) -> None:
    assert edit("_words", text, "nosmt", "quiet") == after
