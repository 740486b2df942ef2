"""No secret of a kernel command line is in a bundle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.bundle.kernel_arguments import argument, without_values, words
from provision.bundle.redaction import secrets_of, without_secrets
from provision.config.json_text.decode import decode

SECRET = "h4nter2"


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (" a  b=c\td\n", ["a", "b=c", "d"]),
        ("a=\"b c\" 'd e'=f", ["a=b c", "d e=f"]),
        ("a=b\"c 'd' e\"f g", ["a=bc 'd' ef", "g"]),
        ("it's a b", ["its a b"]),
        ('a="b c', ["a=b c"]),
        ('a\\ b\\"c d"', ["a\\", "b\\c d"]),
        ('"" a', ["", "a"]),
    ],
)
def test_words_as_systemd_reads_them(line: str, read: list[str]) -> None:
    assert words(line) == read


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("quiet root=LABEL=root ro console=ttyS0,115200n8", "quiet root=LABEL=root ro console=ttyS0,115200n8"),
        (f"root=iscsi:user:{SECRET}@host::::target", "root=..."),
        (f"root=/dev/disk/{SECRET}:x", "root=..."),
        (f'foo="a {SECRET} b" ip=dhcp quiet', "... ip=... quiet"),
        (f"foo='a {SECRET}' b", "... ..."),
        ("provision.firstboot.device=efivar", "provision.firstboot.device=efivar"),
        (f"provision.firstboot.device=LABEL={SECRET}", "provision.firstboot.device=..."),
        (f'rd.luks.name="a {SECRET}', "rd.luks.name=..."),
        (f"ro -- --password {SECRET} quiet -- x", "ro -- ... ... ... ... ..."),
        (f"{SECRET}= {SECRET} ={SECRET} quiet={SECRET}", "... ... ... quiet=..."),
        (f"console={SECRET} ignition.platform.id={SECRET}:x", "console=... ignition.platform.id=..."),
        (
            "provision.on_failure=reboot:300 provision.firstboot=auto",
            "provision.on_failure=reboot:300 provision.firstboot=auto",
        ),
        (
            "ignition.firstboot=1 ignition.firstboot rd.neednet=1",
            "ignition.firstboot=1 ignition.firstboot rd.neednet=1",
        ),
    ],
)
def test_only_harmless_arguments_are_shown(line: str, shown: str) -> None:
    assert without_values(line) == shown


@settings(max_examples=200, deadline=None)
@given(
    line=st.lists(st.sampled_from(["root=", "foo=", "quiet", "--", "'", '"', " ", "=", SECRET, "\\", "iscsi:a:"])).map(
        "".join
    )
)
def test_a_secret_is_never_shown(line: str) -> None:
    assert SECRET not in without_values(line)


def test_arguments_of_a_config_have_filler_of_their_size() -> None:
    wanted = f'["quiet", "{SECRET}", "a {SECRET}", "root=LABEL=a", "rd.luks.key={SECRET}", "root=UUID=a {SECRET}"]'
    config = decode(f'{{"ignition": {{"version": "3.4.0"}}, "kernelArguments": {{"shouldExist": {wanted}}}}}'.encode())
    kept = without_secrets(config).kernel_arguments.should_exist
    assert kept == ("quiet", "x" * 7, "x" * 9, "root=LABEL=a", "rd.luks.key=xxxxxxx", "root=" + "x" * 14)


def test_messages_with_arguments_of_a_config_are_masked() -> None:
    """The helper for kernel arguments names the argument that it refuses."""
    wanted = f'["quiet", "console=ttyS0", "rd.luks.key={SECRET};x", "a {SECRET}"]'
    config = decode(f'{{"ignition": {{"version": "3.4.0"}}, "kernelArguments": {{"shouldExist": {wanted}}}}}'.encode())
    assert secrets_of(config) == {f"rd.luks.key={SECRET};x", f"a {SECRET}", SECRET}


def test_a_name_that_is_not_known_is_filler_too() -> None:
    assert argument("c2VjcmV0=", len_of) == "<9>"
    assert argument("ip=c2VjcmV0=", len_of) == "ip=<9>"


def len_of(text: str) -> str:
    return f"<{len(text)}>"
