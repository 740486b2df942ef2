"""UUIDs that a plan chooses: of disks and what is on them, and of network connections."""

from __future__ import annotations

from provision.planning.machine_view import MachineView


def chosen_uuid(view: MachineView, purpose: str, name: str) -> str:
    """A UUID (lower-case) for what the config leaves open: the same in every plan of one provisioning.

    It is derived from the seed of the run, so that a later run recognises what an interrupted run has made.
    Raises TypeError if the run has no seed, which is a bug.
    """
    from uuid import NAMESPACE_OID, uuid5

    seed = view.boot_state().seed
    if not seed:
        raise TypeError("a run is started with a seed, which says which UUIDs a plan chooses")
    return str(uuid5(NAMESPACE_OID, f"{seed}\0{purpose}\0{name}"))
