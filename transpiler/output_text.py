"""The text that a completed translation writes: JSON, or YAML for a MachineConfig."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provision.config.format import Config
from provision.config.json_text import encode
from provision.config.json_text.parse import MAX_BYTES
from provision.config.problems import Problem
from transpiler.translation_state import Work

if TYPE_CHECKING:
    from provision.config.old_versions.format import OldConfig

OLD_MINOR = 3
"""Container Linux Configs become Ignition 2.3."""


def output_text(work: Work, *, pretty: bool) -> str:
    """The output of a translation without errors."""
    if work.old_config is not None:
        from provision.config.old_versions.encode import encode_old

        return encode_old(work.old_config, OLD_MINOR, 2 if pretty else 0)
    config, spec_minor = work.draft.config, work.spec_minor
    if work.variant.makes_machine_config and not work.bare:
        from transpiler.butane.machine_config import machine_config

        return machine_config(work.record, encode.plain(config, spec_minor))
    return encode.encode(config, spec_minor, 2 if pretty else 0)


def too_large(written: str) -> Iterator[Problem]:
    """A warning that the machine would refuse the config, which says more than its YAML: files are embedded."""
    size = len(written) if len(written) > MAX_BYTES else len(written.encode())
    if size > MAX_BYTES:
        message = (
            f"the machine refuses the resulting config: it has {size >> 20} MiB, and the limit is {MAX_BYTES >> 20}"
        )
        hint = "let the machine fetch large contents from a URL, with verification.hash"
        yield Problem((), message, fatal=False, hint=hint, rule="config-size")


def in_newest_version(old: OldConfig) -> Config | None:
    """The config that an engine of version 3.x makes of a config of version 2.3; None if it cannot."""
    from provision.config.old_versions.append import in_newest_form
    from provision.config.old_versions.conversion import convert

    conversion = convert(in_newest_form(old, OLD_MINOR))
    return None if any(problem.fatal for problem in conversion.problems) else conversion.config
