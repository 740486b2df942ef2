"""Whether carrying out a config needs the network.

Source: the walk of the reference implementation's fetch-offline stage (internal/exec/stages/fetch_offline).
"""

from __future__ import annotations

from provision.config.format import ClevisCustom, Config, Resource, Tang
from provision.config.model import Record
from provision.fetch.urls import scheme


def needs_network(config: Config) -> bool:
    """Whether any resource, Tang server or custom Clevis pin of the config is reached over a network."""
    return _needs(config)


def _needs(record: Record) -> bool:
    if isinstance(record, Resource):
        return is_remote(record)
    if isinstance(record, Tang):
        return not record.advertisement
    if isinstance(record, ClevisCustom):
        return bool(record.needs_network)
    return any(_needs(one) for field, value in record.items() if field.record for one in _each(value))


def is_remote(resource: Resource) -> bool:
    """Whether the bytes of a resource come over a network."""
    return bool(resource.source) and scheme(resource.source or "") not in {"", "data"}


def _each(value: Record | tuple[Record, ...]) -> tuple[Record, ...]:
    return value if isinstance(value, tuple) else (value,)
