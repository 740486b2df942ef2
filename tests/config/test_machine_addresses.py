"""The addresses of the machine in a cloud-config or a script of CoreOS."""

from __future__ import annotations

import pytest

from provision.config.machine_addresses import filled_in, named_addresses, no_addresses

TEXT = rb"a=$private_ipv4 b=\$public_ipv4 c=$public_ipv6x \$private_ipv4 $other $$public_ipv4"


def test_the_addresses_that_a_text_names() -> None:
    assert named_addresses(TEXT) == {"private_ipv4", "public_ipv6", "public_ipv4"}
    assert named_addresses(rb"\$private_ipv6") == set()


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (
            {"private_ipv4": "10.0.0.1"},
            rb"a=10.0.0.1 b=$public_ipv4 c=$public_ipv6x $private_ipv4 $other $$public_ipv4",
        ),
        (
            {"public_ipv4": "192.0.2.1", "public_ipv6": ""},
            rb"a=$private_ipv4 b=$public_ipv4 c=x $private_ipv4 $other $192.0.2.1",
        ),
        (no_addresses(), TEXT.replace(b"\\", b"")),
    ],
)
def test_known_addresses_take_the_place_of_their_names(addresses: dict[str, str], expected: bytes) -> None:
    assert filled_in(TEXT, addresses) == expected
