"""Ask a platform for the metadata of this machine."""

from __future__ import annotations

from typing import NamedTuple

from provision.config.machine_addresses import NAMES
from provision.failures import FetchFailed, Usage
from provision.fetch.platforms.context import FetchContext
from provision.metadata.answers import Answers
from provision.metadata.attribute_files import shared
from provision.metadata.network.interfaces import Network
from provision.metadata.providers import PROVIDERS, Provider
from provision.metadata.ssh_keys import is_key

HOST_NAME_MAX = 64
"""The longest host name that Linux takes (gethostname(2))."""

PLATFORM_OF = {
    "brightbox": "openstack",
    "cloudstack-configdrive": "cloudstack",
    "cloudstack-metadata": "cloudstack",
    "ec2": "aws",
    "gce": "gcp",
    "ibmcloud-classic": "ibmcloud",
    "openstack-metadata": "openstack",
    "vagrant-virtualbox": "virtualbox",
}
"""Names of providers in Afterburn and coreos-metadata that no platform has -> the platform."""


class MachineMetadata(NamedTuple):
    """The metadata of a machine; every part is asked for when it is needed. All methods raise FetchFailed."""

    provider: Provider
    answers: Answers
    context: FetchContext

    def attributes(self) -> dict[str, str]:
        """Attributes by their names without prefixes."""
        found: dict[str, str] = {}
        for name, place in self.provider.attributes.items():
            found |= {name.format(index): value for index, value in self.answers.values(place)}
        if self.provider.more:
            found.update(self.provider.more(self.answers))
        return found

    def addresses(self) -> dict[str, str]:
        """The addresses by the names of a cloud-config (`private_ipv4`), as far as the platform says them."""
        found = shared(self.attributes())
        return {name: found[name.upper()] for name in NAMES if name.upper() in found}

    def hostname(self) -> str:
        """The host name, cut to what Linux takes; empty if there is none."""
        name = self.answers.value(self.provider.hostname).strip() if self.provider.hostname else ""
        return name if len(name) <= HOST_NAME_MAX else name[:HOST_NAME_MAX].partition(".")[0]

    def ssh_keys(self) -> list[str]:
        """Lines for authorized_keys. A line that is not a key is left out with a warning."""
        lines = [line.strip() for line in self.provider.ssh_keys(self.answers)]
        for number, line in enumerate(lines, 1):
            if line and not is_key(line):
                self.context.log("warning", f"line {number} of the SSH keys of this machine is not a key: left out")
        return list(dict.fromkeys(line for line in lines if is_key(line)))

    def administrator(self) -> str:
        """The account that the owner of the machine chose, empty for none. Raises Usage if the platform names none."""
        if not self.provider.administrator:
            raise Usage("this platform names no administrator", hint="azure is the only one that does")
        return self.answers.value(self.provider.administrator).strip()

    def network(self) -> Network:
        """The network that the platform describes. Raises Usage if it describes none."""
        if self.provider.network is None:
            raise Usage("this platform describes no network", hint="its machines use DHCP")
        return self.provider.network(self.answers)

    def netplan(self) -> str:
        """The network as a file of netplan; empty if there is none. Raises Usage if the platform describes none."""
        from provision.metadata.network.netplan import configuration, text_of

        if self.provider.netplan is None:
            return configuration(self.network())
        described = self.provider.netplan(self.answers)
        return "" if described is None else text_of(described)

    def kernel_arguments(self) -> str:
        """The arguments that configure the network in the initramfs; empty if the platform has none."""
        return self.provider.kernel_arguments(self.answers) if self.provider.kernel_arguments else ""

    def check_in(self) -> None:
        """Tell the platform that this machine has booted. Raises Usage if the platform takes no such message."""
        if self.provider.check_in is None:
            raise Usage("this platform takes no check-in")
        self.provider.check_in(self.answers)


def ask(platform: str, context: FetchContext) -> MachineMetadata:
    """The metadata of this machine, from the first service of the platform that is there.

    Raises Usage for a platform without metadata, FetchFailed if no service is there.
    """
    name = platform if platform in PROVIDERS else PLATFORM_OF.get(platform, platform)
    if name not in PROVIDERS:
        raise Usage(f"platform {platform!r} has no metadata", hint="one of " + ", ".join(sorted(PROVIDERS)))
    for provider in PROVIDERS[name]:
        answers = provider.service.answers(context)
        if answers is not None:
            return MachineMetadata(provider, answers, context)
    raise FetchFailed(name, "there is no config drive with metadata", hint="attach the drive of the platform")


def addresses(platform: str, context: FetchContext) -> dict[str, str]:
    """The addresses of this machine as `MachineMetadata.addresses`; none if the platform has no metadata.

    Raises FetchFailed.
    """
    try:
        return ask(platform, context).addresses()
    except Usage:
        return {}
