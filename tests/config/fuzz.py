"""Fuzzing of everything that reads a config: whatever the bytes, there is a result, and it can be shown.

    python -m tests.config.fuzz --inputs 1000000 --seconds 600

Runs on all cores until both are reached, prints the number of inputs, and ends with 1 at the first error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from provision.config.json_text.decode import decode
from provision.config.json_text.encode import encode
from provision.config.merge import merge
from provision.config.reports.findings import findings
from provision.config.reports.ignition_report import ignition_report
from provision.config.reports.text import as_text
from provision.config.validate import validate
from tests.config.configs import text

BATCH = 2_000

_OTHERS = 10
"""Of so many inputs, one is a text for the transpiler."""


class Batch(NamedTuple):
    """The result of a batch of inputs; `surprise` is an input that caused an error, with the error."""

    inputs: int
    valid: int
    surprise: str


def run(seed: int) -> Batch:
    """Fuzz with one seed; the same seed gives the same inputs."""
    random = Random(seed)
    before, valid = b"", 0
    for place in range(BATCH):
        raw = random.choice(KINDS)(random, before)
        try:
            valid += survive(raw)
            if place % _OTHERS == 0:
                raw = _changed(random, "container_linux")
                survive_yaml(random, raw)
                survive_conversion(random, raw)
                raw = b"#cloud-config\n" + _changed(random, "cloud_config")
                survive_cloud_config(raw)
                survive_conversion(random, raw)
                survive_conversion(random, random.choice((_changed(random, "container_linux", "case.ign"), before)))
        except Exception as error:  # noqa: BLE001 - the fuzzer reports every error
            return Batch(place, valid, f"{type(error).__name__}: {error}\nseed {seed}, input {place}: {raw!r}")
        before = raw
    return Batch(BATCH, valid, "")


def survive(raw: bytes) -> bool:
    """Validate a text and format its problems; write and merge it if it is valid. Returns whether it is valid."""
    validated = validate(raw)
    if (validated.config is None) != bool(validated.error):
        raise AssertionError("an error with a config, or neither of both")
    as_text(findings("fuzz", raw, validated.problems), excerpts=True)
    ignition_report(raw, validated)
    if validated.config is None:
        return False
    if decode(encode(validated.config).encode()) != validated.config:
        raise AssertionError("the way back leads elsewhere")
    merge(validated.config, validated.config)
    return True


def survive_yaml(random: Random, raw: bytes) -> None:
    """Transpile a text as any dialect, and format its problems."""
    from transpiler.phases import transpile
    from transpiler.translation_state import TranspileOptions

    dialect, platform = random.choice(("", "coreos", "flatcar")), random.choice(("", "ec2", "custom"))
    transpile(raw, TranspileOptions(dialect=dialect, platform=platform, files_dir="/proc/self/fdinfo")).render()


def survive_cloud_config(raw: bytes) -> None:
    """Convert a cloud-config, and format its problems; what is converted is a valid config."""
    from provision.yaml_or_json import cloud_config_report, validate_text

    cloud_config_report(raw)
    outcome = validate_text(raw, "fuzz", addresses=lambda: {"private_ipv4": "10.0.0.1"})
    as_text(outcome.findings, excerpts=True)
    if outcome.config is not None and validate(encode(outcome.config).encode()).config is None:
        raise AssertionError("the conversion is not valid")


def survive_conversion(random: Random, raw: bytes) -> None:
    """Convert a text of any kind to a random form; what is written without a loss is a valid config."""
    from transpiler import transpile
    from transpiler.convert.inputs import ReadOptions, read_source
    from transpiler.convert.targets import target, target_names

    source = read_source(
        "fuzz", raw, ReadOptions({"oem": "/oem"}, platform="ec2", addresses={"private_ipv4": "10.0.0.1"})
    )
    source.findings(source.problems)
    chosen = target(random.choice(target_names())) if random.randrange(8) else target("", is_lowest=True)
    if source.config is None or chosen is None:
        return
    written = chosen(source, 0)
    source.findings(written.losses)
    if any(problem.fatal for problem in (*source.problems, *written.losses)):
        return
    is_json = written.text.startswith("{")
    made = validate(written.text.encode()) if is_json else transpile(written.text.encode())
    if made.config is None:
        raise AssertionError(f"the conversion is not valid: {written.text!r}")


def _changed(random: Random, kind: str, name: str = "case.yaml") -> bytes:
    """A golden case of a kind of config with some lines and bytes that were changed."""
    lines = random.choice(_golden_texts(kind, name)).splitlines(keepends=True)
    for _ in range(random.randrange(3)):
        other = random.choice(_golden_texts(kind, name)).splitlines(keepends=True)
        lines[random.randrange(len(lines) + 1) :] = other[random.randrange(len(other) + 1) :]
    raw = bytearray(b"".join(lines))
    for _ in range(random.randrange(4)):
        place = random.randrange(len(raw) + 1)
        raw[place : place + 2] = random.randbytes(1)
        raw.insert(random.randrange(len(raw) + 1), random.choice(b"{}[]:-,'\"\\ \n0a%~"))
    return bytes(raw)


@cache
def _golden_texts(kind: str, name: str) -> list[bytes]:
    folder = Path(__file__).parents[1] / "transpiler" / kind / "cases"
    return [path.read_bytes() for path in sorted(folder.glob(f"*/*/{name}"))]


def _bytes(random: Random, _before: bytes) -> bytes:
    return random.randbytes(random.randrange(200))


def _structure(random: Random, _before: bytes) -> bytes:
    return text(random)


def _symbols(random: Random, _before: bytes) -> bytes:
    symbols = (
        "{",
        "}",
        "[",
        "]",
        '"',
        ":",
        ",",
        "\\",
        "ignition",
        "version",
        "3.4.0",
        "storage",
        "null",
        "1e9",
        "-",
        " ",
    )
    return "".join(random.choices(symbols, k=random.randrange(80))).encode()


def _spliced(random: Random, before: bytes) -> bytes:
    """An input with a piece of the input before it inside."""
    raw = text(random)
    start, end = sorted(random.randrange(len(before) + 1) for _ in range(2))
    place = random.randrange(len(raw) + 1)
    return raw[:place] + before[start:end] + raw[place + random.randrange(20) :]


def _texts_in_places(random: Random, _before: bytes) -> bytes:
    """Use any text as URL, unit, path, name, hash and label."""
    piece = random.choice((_bytes, _symbols))(random, b"").decode("latin-1")
    prefix = random.choice(("", "data:", "data:;base64,", "http://", "arn:", "[Unit]\n", "/", "sha512-"))
    files = [{"path": prefix + piece, "contents": {"source": prefix + piece, "verification": {"hash": piece}}}]
    units = [{"name": f"{piece}.service", "contents": prefix + piece, "enabled": True}]
    value = {"ignition": {"version": "3.5.0"}, "storage": {"files": files}, "systemd": {"units": units}}
    return json.dumps(value).encode()


KINDS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _bytes,
    _symbols,
    _structure,
    _spliced,
    _spliced,
    _texts_in_places,
)


def main() -> int:
    """Run batches until enough inputs and enough seconds have passed."""
    parser = argparse.ArgumentParser(description="fuzz the config format")
    parser.add_argument("--inputs", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start, done, valid, seed = time.monotonic(), 0, 0, options.seed
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        while done < options.inputs or time.monotonic() - start < options.seconds:
            for batch in pool.map(run, range(seed, seed + 4 * workers)):
                done, valid = done + batch.inputs, valid + batch.valid
                if batch.surprise:
                    print(batch.surprise)
                    return 1
            seed += 4 * workers
    print(f"{done:,} inputs ({valid:,} valid) in {time.monotonic() - start:.0f} s: no surprise")
    return 0


if __name__ == "__main__":
    sys.exit(main())
