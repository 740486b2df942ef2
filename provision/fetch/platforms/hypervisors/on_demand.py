"""Conversations with hypervisors: each is loaded when its platform asks for it."""

from __future__ import annotations

from provision.fetch.platforms.sources import Site


def hyperv(site: Site) -> bytes | None:
    """The config of a Hyper-V guest."""
    from provision.fetch.platforms.hypervisors import hyperv

    return hyperv.ask(site)


def virtualbox(site: Site) -> bytes | None:
    """The config of a VirtualBox guest."""
    from provision.fetch.platforms.hypervisors import virtualbox

    return virtualbox.ask(site)


def vmware(site: Site) -> bytes | None:
    """The config of a VMware guest."""
    from provision.fetch.platforms.hypervisors import vmware

    return vmware.ask(site)


def zvm(site: Site) -> bytes | None:
    """The config of a z/VM guest."""
    from provision.fetch.platforms.hypervisors import zvm

    return zvm.ask(site)


def forget_virtualbox(site: Site) -> None:
    """Delete the config of a VirtualBox guest."""
    from provision.fetch.platforms.hypervisors import virtualbox

    virtualbox.delete(site)


def forget_vmware(site: Site) -> None:
    """Delete the config of a VMware guest."""
    from provision.fetch.platforms.hypervisors import vmware

    vmware.delete(site)
