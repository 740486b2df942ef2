"""Conversations with hypervisors: each is loaded when its platform asks for it."""

from __future__ import annotations

from provision.fetch.platforms.sources import FetchContext


def hyperv(context: FetchContext) -> bytes | None:
    """The config of a Hyper-V guest."""
    from provision.fetch.platforms.hypervisors import hyperv

    return hyperv.ask(context)


def virtualbox(context: FetchContext) -> bytes | None:
    """The config of a VirtualBox guest."""
    from provision.fetch.platforms.hypervisors import virtualbox

    return virtualbox.ask(context)


def vmware(context: FetchContext) -> bytes | None:
    """The config of a VMware guest."""
    from provision.fetch.platforms.hypervisors import vmware

    return vmware.ask(context)


def zvm(context: FetchContext) -> bytes | None:
    """The config of a z/VM guest."""
    from provision.fetch.platforms.hypervisors import zvm

    return zvm.ask(context)


def forget_virtualbox(context: FetchContext) -> None:
    """Delete the config of a VirtualBox guest."""
    from provision.fetch.platforms.hypervisors import virtualbox

    virtualbox.delete(context)


def forget_vmware(context: FetchContext) -> None:
    """Delete the config of a VMware guest."""
    from provision.fetch.platforms.hypervisors import vmware

    vmware.delete(context)
