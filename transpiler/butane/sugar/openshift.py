"""Sugar for OpenShift: GRUB's configuration as contents, and ciphers in FIPS mode.

Source: coreos/butane `config/openshift/*/translate.go`.
"""

from __future__ import annotations

from provision.config.format import File, Luks
from provision.config.problems import Path, Problem
from transpiler.butane.source_map import Draft, SourcePath
from transpiler.butane.sugar.boot_device import USER_CFG
from transpiler.butane.sugar.sugar_input import SugarInput


def grub_contents(_source: SugarInput, draft: Draft) -> tuple[Draft, list[Problem]]:
    """Move GRUB's configuration from `append` to `contents`, because OpenShift does not support appending.

    Returns the draft, and no problems.
    """
    storage = draft.config.storage
    for index, file in enumerate(storage.files):
        if file.path == USER_CFG:
            if len(file.append) != 1:
                break
            values = {name: value for name, value in file.__dict__.items() if name != "append"}
            changed = File(**{**values, "contents": file.append[0]})
            files = (*storage.files[:index], changed, *storage.files[index + 1 :])
            place: Path = ("storage", "files", index)
            origin = SourcePath(draft.source_of((*place, "append", 0)))
            config = draft.config.changed(storage=storage.changed(files=files))
            return draft.with_step(config, {(*place, "contents"): origin}), []
    return draft, []


def fips(source: SugarInput, draft: Draft) -> tuple[Draft, list[Problem]]:
    """In FIPS mode, give every encrypted volume without a cipher one that FIPS 140-2 allows.

    Returns the draft, and no problems.
    """
    if not source.record.openshift.fips:
        return draft, []
    volumes: list[Luks] = []
    origins: dict[Path, SourcePath] = {}
    for index, volume in enumerate(draft.config.storage.luks):
        options = volume.options
        if not any(option in {"--cipher", "-c"} or option.startswith("--cipher=") for option in options):
            for added in range(2):
                origins["storage", "luks", index, "options", len(options) + added] = SourcePath(("openshift", "fips"))
            options = (*options, "--cipher", "aes-cbc-essiv:sha256")
        volumes.append(volume.changed(options=options) if options else volume)
    if not origins:
        return draft, []
    storage = draft.config.storage.changed(luks=tuple(volumes))
    return draft.with_step(draft.config.changed(storage=storage), origins), []
