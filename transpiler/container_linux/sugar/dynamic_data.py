"""Dynamic data: `{PRIVATE_IPV4}` in an option becomes a variable that the machine's metadata service fills in.

Source: `config/templating/templating.go` of coreos/container-linux-config-transpiler.
"""

from __future__ import annotations

from collections.abc import Mapping

VARIABLES: Mapping[str, Mapping[str, str]] = {
    "azure": {"PRIVATE_IPV4": "COREOS_AZURE_IPV4_DYNAMIC", "PUBLIC_IPV4": "COREOS_AZURE_IPV4_VIRTUAL"},
    "digitalocean": {
        "HOSTNAME": "COREOS_DIGITALOCEAN_HOSTNAME",
        "PRIVATE_IPV4": "COREOS_DIGITALOCEAN_IPV4_PRIVATE_0",
        "PUBLIC_IPV4": "COREOS_DIGITALOCEAN_IPV4_PUBLIC_0",
        "PRIVATE_IPV6": "COREOS_DIGITALOCEAN_IPV6_PRIVATE_0",
        "PUBLIC_IPV6": "COREOS_DIGITALOCEAN_IPV6_PUBLIC_0",
    },
    "ec2": {
        "HOSTNAME": "COREOS_EC2_HOSTNAME",
        "PRIVATE_IPV4": "COREOS_EC2_IPV4_LOCAL",
        "PUBLIC_IPV4": "COREOS_EC2_IPV4_PUBLIC",
    },
    "gce": {
        "HOSTNAME": "COREOS_GCE_HOSTNAME",
        "PRIVATE_IPV4": "COREOS_GCE_IP_LOCAL_0",
        "PUBLIC_IPV4": "COREOS_GCE_IP_EXTERNAL_0",
    },
    "packet": {
        "HOSTNAME": "COREOS_PACKET_HOSTNAME",
        "PRIVATE_IPV4": "COREOS_PACKET_IPV4_PRIVATE_0",
        "PUBLIC_IPV4": "COREOS_PACKET_IPV4_PUBLIC_0",
        "PUBLIC_IPV6": "COREOS_PACKET_IPV6_PUBLIC_0",
    },
    "openstack-metadata": {
        "HOSTNAME": "COREOS_OPENSTACK_HOSTNAME",
        "PRIVATE_IPV4": "COREOS_OPENSTACK_IPV4_LOCAL",
        "PUBLIC_IPV4": "COREOS_OPENSTACK_IPV4_PUBLIC",
    },
    "vagrant-virtualbox": {
        "HOSTNAME": "COREOS_VAGRANT_VIRTUALBOX_HOSTNAME",
        "PRIVATE_IPV4": "COREOS_VAGRANT_VIRTUALBOX_PRIVATE_IPV4",
    },
    "cloudstack-configdrive": {"HOSTNAME": "CLOUDSTACK_LOCAL_HOSTNAME"},
    "custom": {
        "HOSTNAME": "COREOS_CUSTOM_HOSTNAME",
        "PRIVATE_IPV4": "COREOS_CUSTOM_PRIVATE_IPV4",
        "PUBLIC_IPV4": "COREOS_CUSTOM_PUBLIC_IPV4",
        "PRIVATE_IPV6": "COREOS_CUSTOM_PRIVATE_IPV6",
        "PUBLIC_IPV6": "COREOS_CUSTOM_PUBLIC_IPV6",
    },
}
"""Platform -> name of a field -> variable in /run/metadata/coreos. The keys are all platforms that ct knows."""

NEEDS_PROVIDER = frozenset({"openstack-metadata", "cloudstack-configdrive"})
"""Platforms that coreos-metadata does not detect; a drop-in names them."""


class UnknownField(ValueError):
    """The platform has no field of an option, or no platform was given; the message is ct's, `hint` says what to do."""

    def __init__(self, message: str, option: str, hint: str) -> None:
        super().__init__(message)
        self.option = option
        self.hint = hint


def may_have_fields(text: str) -> bool:
    """Whether a text has a brace. One is enough: ct then adds the metadata service."""
    return "{" in text or "}" in text


def filled_in(text: str, platform: str, option: str) -> str:
    """The text with `${VARIABLE}` in place of each `{FIELD}`; `option` is its name. Raises UnknownField.

    Fields come in order; what follows a brace without its other half stays as it is, as in ct.
    """
    if not platform and may_have_fields(text):
        message = "platform must be specified to use templating"
        raise UnknownField(message, option, f"add --platform with one of {', '.join(VARIABLES)}")
    variables = VARIABLES.get(platform, {})
    filled, position = [], 0
    start, end = text.find("{"), text.find("}")
    while -1 < start < end:
        name = text[start + 1 : end]
        if name not in variables:
            hint = f"{platform} has {', '.join(f'{{{known}}}' for known in variables)}"
            raise UnknownField("unknown field", option, hint)
        filled += [text[position:start], f"${{{variables[name]}}}"]
        position = end + 1
        start = text.find("{", position)
        end = text.find("}", start)
    return "".join([*filled, text[position:]])
