"""User data -> a config: gzip, xz and zstd are recognised by content, and Butane's YAML is accepted too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from provision.config.format import Config
from provision.config.problems import Problem
from provision.config.sniffing import BYTE_ORDER_MARK, is_yaml
from provision.config.validate import INVALID, Validation, validate
from provision.failures import ConfigEmpty, ConfigInvalid, FetchFailed
from provision.fetch.running_system import Run, no_programs
from provision.fetch.settings import CONFIG_LIMIT
from provision.log import Log


def read_config(raw: bytes, source: str, log: Log, run: Run = no_programs) -> Config:
    """The config in some bytes, whatever they are wrapped in (see `decompressed`); warnings are logged.

    Raises ConfigEmpty, ConfigInvalid, or FetchFailed if the wrapping is damaged.
    """
    raw = decompressed(raw, source, run)
    if not raw:
        raise ConfigEmpty(source)
    alien = other_format(raw)
    if alien:
        problem = Problem((), f"this is {alien}, not an Ignition config")
        raise ConfigInvalid([problem], source=source, error=problem.message)
    validation = _transpiled(raw, source) if is_yaml(raw) else validate(raw)
    _report(validation.problems, source, log, None if is_yaml(raw) else raw)
    if validation.config is None:
        raise ConfigInvalid(validation.problems, source=source, error=validation.error)
    return validation.config


def _transpiled(raw: bytes, source: str) -> Validation:
    """A YAML config, judged. This is the one place where fetching loads the transpiler; without it, FetchFailed."""
    try:
        from transpiler import transpile

        result = transpile(raw)
    except ImportError as error:
        hint = "transpile it to JSON, or put the transpiler and the Python package yaml into the initramfs"
        raise FetchFailed(source, f"is not JSON, and YAML cannot be read here: {error}", hint=hint) from error
    return Validation(result.config, None, tuple(result.problems), INVALID)


def _report(problems: Sequence[Problem], source: str, log: Log, raw: bytes | None = None) -> None:
    """Log problems with their places in a JSON text (`raw`), or as far as they know them."""
    if not problems:
        return
    from provision.config.reports.findings import Finding, findings

    found = findings(source, raw, problems) if raw else [Finding(source, problem, problem.at) for problem in problems]
    for finding in found:
        log(finding.problem.severity, f"{finding.place}: {finding.message}")


RATIO_LIMIT = 200

RATIO_FROM = 1 << 20
"""A config may not decompress to more than 200 times its size, once it is larger than 1 MiB."""

LAYERS = 3
"""How many wrappings are taken off: more is no accident."""

Open = Callable[[bytes, str], Iterator[bytes]]
"""Takes one wrapping off; the name of the source is for messages."""


def decompressed(raw: bytes, source: str, run: Run = no_programs) -> bytes:
    """The bytes inside all compressions. Raises FetchFailed if they are damaged, too large, or zstd cannot be had.

    `run` starts the program `zstd` where Python has no such module.
    """
    wrappings: Mapping[bytes, Open] = {**WRAPPINGS, ZSTD: partial(_unzstd, run=run)}
    for _ in range(LAYERS):
        opened = next((open_ for magic, open_ in wrappings.items() if raw.startswith(magic)), None)
        if opened is None:
            break
        raw = _bounded(opened(raw, source), len(raw), source)
    return raw


def is_compressed(raw: bytes) -> bool:
    """Whether bytes begin as one of the compressions."""
    return raw.startswith((*WRAPPINGS, ZSTD))


def other_format(raw: bytes) -> str:
    """What user data is that is none of ours, in words; empty if it may be a config."""
    text = raw.removeprefix(BYTE_ORDER_MARK).lstrip()
    return next((name for beginning, name in FOREIGN.items() if text.startswith(beginning)), "")


FOREIGN: Mapping[bytes, str] = {
    b"#cloud-config": "cloud-init user data (#cloud-config)",
    b"#!": "a script (#!)",
    b"#include": "a cloud-init include list",
    b"Content-Type: multipart/": "a cloud-init MIME archive",
    b"## template: jinja": "a cloud-init template",
    **dict.fromkeys((b"<!DOCTYPE html", b"<!doctype html", b"<html"), "a web page, perhaps a captive portal's"),
}


def _gunzip(raw: bytes, source: str) -> Iterator[bytes]:
    import zlib

    try:
        while raw:
            member = zlib.decompressobj(31)
            yield member.decompress(raw, CONFIG_LIMIT + 1)
            if not member.eof and not member.unconsumed_tail:
                raise FetchFailed(source, "the gzip stream is cut short")
            raw = member.unused_data.lstrip(b"\0")  # padding, which gzip(1) skips as well
    except zlib.error as error:
        raise FetchFailed(source, "looks like gzip, but is damaged") from error


def _unxz(raw: bytes, source: str) -> Iterator[bytes]:
    import lzma

    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=2 * CONFIG_LIMIT)
    try:
        yield stream.decompress(raw, CONFIG_LIMIT + 1)
    except lzma.LZMAError as error:
        raise FetchFailed(source, "looks like xz, but is damaged or wants too much memory") from error
    if not stream.eof and stream.needs_input:
        raise FetchFailed(source, "the xz stream is cut short")


def _unzstd(raw: bytes, source: str, run: Run) -> Iterator[bytes]:
    whole = run("zstd", "--decompress", "--stdout", "--quiet", "--no-progress", given=raw)
    if whole is not None:
        yield whole
    elif run("zstd", "--version") is not None:
        raise FetchFailed(source, "looks like zstd, but is damaged")
    else:
        yield _unzstd_by_module(raw, source)


def _unzstd_by_module(raw: bytes, source: str) -> bytes:
    from importlib import import_module

    try:
        zstandard = import_module("zstandard")
    except ImportError as error:
        hint = "compress it with gzip or xz instead, or put the program zstd into the initramfs"
        raise FetchFailed(source, "is compressed with zstd, which cannot be read here", hint=hint) from error
    try:
        with zstandard.ZstdDecompressor().stream_reader(raw) as reader:
            return bytes(reader.read(CONFIG_LIMIT + 1))
    except zstandard.ZstdError as error:
        raise FetchFailed(source, "looks like zstd, but is damaged") from error


WRAPPINGS: Mapping[bytes, Open] = {
    b"\x1f\x8b": _gunzip,
    b"\xfd7zXZ\x00": _unxz,
}
"""First bytes of each format, and how it is opened without help."""

ZSTD = b"\x28\xb5\x2f\xfd"


def _bounded(parts: Iterator[bytes], size: int, source: str) -> bytes:
    whole = bytearray()
    for part in parts:
        whole += part
        if len(whole) > CONFIG_LIMIT:
            raise FetchFailed(source, f"decompresses to more than {CONFIG_LIMIT >> 20} MiB")
        if len(whole) > max(RATIO_FROM, RATIO_LIMIT * size):
            raise FetchFailed(source, f"decompresses to more than {RATIO_LIMIT} times its size")
    return bytes(whole)
