"""A bundle as one file: gzip over JSON, bounded in size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from provision import __version__
from provision.config.format import Config
from provision.config.json_text.decode import decode
from provision.config.json_text.encode import encode_stored
from provision.failures import Failure
from provision.planning.root.unknown_root import restored_root
from provision.planning.stage import Stage
from provision.stages import STAGES, load_stage

FORMAT = "provision-bundle 1"
MAX_FILE = 4 << 20
MAX_TEXT = 32 << 20
"""The largest bundle in bytes, as a file and without its compression."""

RESTORED = "base"
"""The name of the stage that stands for what a distribution does to fill an empty root."""

FETCH_STAGES = ("fetch-offline", "fetch")
"""Stages before there is a config, and so a plan. A bundle of one has neither config nor answers, only the messages."""


class Bundle(NamedTuple):
    """What is known of a run.

    - `reasons`: the lines of the failure; empty if the bundle was asked for.
    - `stages`: the names of the stages that were simulated: `stage` and those after it.
    - `config`: the merged config without secrets; `digest` is the one of the config with them.
    - `answers`: what the machine answered when the stages were planned.
    - `log`: the last messages of the run. `command_line` is that of the kernel, values left out.
    """

    stage: str
    stages: tuple[str, ...]
    reasons: tuple[str, ...]
    digest: str
    config: Config
    answers: Mapping[str, object]
    log: tuple[str, ...] = ()
    command_line: str = ""
    version: str = __version__


def write_bundle(bundle: Bundle) -> bytes:
    """The bytes of the file. Raises Failure if they are too many."""
    import zlib

    written = bundle._asdict() | {"format": FORMAT, "config": json.loads(encode_stored(bundle.config))}
    text = json.dumps(written).encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = packer.compress(text) + packer.flush() if len(text) <= MAX_TEXT else None
    if data is None or len(data) > MAX_FILE:
        raise Failure(f"what the plan depends on is too large for a bundle ({len(text)} bytes)")
    return data


def read_bundle(data: bytes, name: str) -> Bundle:
    """The bundle in a file. Raises Failure for data that are none."""
    damaged = Failure(f"{name}: is not a bundle of provision capture, or it is damaged")
    text = _unpacked(data)
    if text is None:
        raise damaged
    try:
        read = json.loads(text)
        if not isinstance(read, dict) or read.pop("format", None) != FORMAT:
            raise damaged
        bundle = Bundle(**read)
        texts = (bundle.stage, bundle.digest, bundle.command_line, bundle.version)
        config = decode(json.dumps(bundle.config).encode())
        bundle = bundle._replace(
            config=config, stages=_texts(bundle.stages), reasons=_texts(bundle.reasons), log=_texts(bundle.log)
        )
    except (ValueError, TypeError, RecursionError):
        raise damaged from None
    if not isinstance(bundle.answers, dict) or not all(isinstance(one, str) for one in texts):
        raise damaged
    return bundle


def stages_of(bundle: Bundle) -> list[Stage]:
    """The stages of a bundle. Raises Failure for a name that no stage has."""
    if not set(bundle.stages) <= {*STAGES, RESTORED} or len(bundle.stages) > len(STAGES) + 1:
        raise Failure("the bundle names stages that this version does not have")
    return [named_stage(name) for name in bundle.stages]


def named_stage(name: str) -> Stage:
    """The stage of that name, or the one that fills the root (RESTORED)."""
    return Stage(RESTORED, (restored_root,)) if name == RESTORED else load_stage(name)


def _unpacked(data: bytes) -> bytes | None:
    """The text of a file; None if it is not gzip, not whole, or too large."""
    import zlib

    unpacker = zlib.decompressobj(31)
    try:
        text = unpacker.decompress(data[: MAX_FILE + 1], MAX_TEXT)
    except zlib.error:
        return None
    return text if unpacker.eof and len(data) <= MAX_FILE else None


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise TypeError("not a list of texts")
    return tuple(str(one) for one in values)
