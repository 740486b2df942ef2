"""One stage of a boot: get the config or recall it, look whether it can be carried out, carry the stage out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Event, Lock
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from provision.boot.status import reported
from provision.config.format import Config, Resource
from provision.config.json_text.decode import decode
from provision.engine.history import FileHistory, History, NoHistory, digest_of, record_path
from provision.engine.preflight import Step, preflight
from provision.engine.waves import Engine
from provision.failures import Failure, NeedsNetwork
from provision.fetch.base_config import EMPTY, base_config, merged
from provision.fetch.running_system import SystemPaths
from provision.log import FieldLog
from provision.planning.boot_state import BOOT_ID, NOW, PLAIN_KEYS, PLATFORM_FILES, SEED, USER_CONFIG
from provision.planning.machine_view import Memory
from provision.stages import stage_plan
from provision.system.private_files import read_private, write_private

if TYPE_CHECKING:
    from provision.fetch.references import Fetched
    from provision.fetch.resources import Fetcher
    from provision.system.machine import Machine
    from provision.system.running_system.running_system import LocalSystem

KEY_FRAGMENTS = "IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT"
"""Set to `false` or `0` where sshd reads no fragments of authorized_keys."""

IDENTITY = tuple(f"/sys/class/dmi/id/{name}" for name in ("product_uuid", "product_serial", "board_serial"))
"""What tells this machine from others of its kind (SMBIOS types 1 and 2)."""

FETCHED_MESSAGE_ID = "57124006b5c94805b77ce473e92a8aeb"
"""Other programs look for the journal's messages about fetched configs by this id (see the reference engine)."""


class DeferredFetcher:
    """A fetcher with the settings a config asks for, that is loaded when something has to be fetched."""

    def __init__(self, config: Config, platform: str, log: FieldLog) -> None:
        self._config = config
        self._platform = platform
        self._log = log
        self._lock = Lock()
        self._stop = Event()
        self._fetcher: Fetcher | None = None

    def copy(self, resource: Resource, into: BinaryIO) -> None:
        """Stream the verified bytes of a resource. Raises FetchFailed."""
        with self._lock:
            self._fetcher = self._fetcher or self._load()
        self._fetcher.copy(resource, into)

    def cancel(self) -> None:
        """Let what is being fetched fail."""
        self._stop.set()

    def _load(self) -> Fetcher:
        from provision.fetch.resources import Fetcher
        from provision.fetch.settings import Settings

        return Fetcher(Settings(platform=self._platform), self._log, stop=self._stop).configured_by(self._config)


class Boot(NamedTuple):
    """What a stage is run with: the options of its command line, and what earlier stages remembered."""

    platform: str
    root: str
    cache: str
    neednet: str
    fetch_timeout: float
    log: FieldLog
    memory: dict[str, Memory]
    environment: Mapping[str, str]

    def run(self, stage: str) -> None:
        """Do the stage. Raises Failure; the memory is then not worth keeping."""
        running_system = self._running_system()
        with reported(stage, self.platform, running_system, self.log):
            self._run(stage, running_system)

    def _run(self, stage: str, running_system: LocalSystem) -> None:
        base = base_config(self.platform, running_system, self.log)
        if stage not in {"fetch-offline", "fetch"}:
            cached = self._cached()
            self._begin_choosing(running_system, cached)
            self._carry_out(stage, _whole(base, cached))
            return
        try:
            self._fetch(base, running_system, offline=stage == "fetch-offline")
        except NeedsNetwork as need:
            if stage == "fetch":
                raise
            self._ask_for_network(need.url)

    def _fetch(self, base: Config, running_system: LocalSystem, *, offline: bool) -> None:
        from provision.boot import platform_files
        from provision.config.json_text.encode import encode
        from provision.fetch.find_config import find_config
        from provision.fetch.resources import needs_network
        from provision.fetch.settings import Settings

        lifted = "" if offline else running_system.set_clock_to_build_date()
        if lifted:
            self.log("warning", lifted)
        settings = Settings(http_total=self.fetch_timeout, offline=offline)
        given = platform_files.recalled(self.memory)
        try:
            acquired = find_config(self.platform, running_system, settings, self.log, given)
        finally:
            platform_files.remember(self.memory, given)
        write_private(self.cache, encode(acquired.config).encode())
        self._tell(acquired.fetched)
        self._begin_memory(running_system, acquired.config, provided=acquired.provided)
        if offline and needs_network(_whole(base, acquired.config)):
            self._ask_for_network("the config")

    def _ask_for_network(self, what: str) -> None:
        self.log("info", f"{what} needs the network")
        write_private(self.neednet, b"")

    def _tell(self, fetched: Iterable[Fetched]) -> None:
        for one in fetched:
            referenced = "referenced " if one.referenced else ""
            self.log(
                "info",
                f'fetched {referenced}{one.kind} config from "{one.source}"',
                MESSAGE_ID=FETCHED_MESSAGE_ID,
                IGNITION_CONFIG_TYPE=one.kind,
                IGNITION_CONFIG_SRC=one.source,
                IGNITION_CONFIG_REFERENCED=str(one.referenced).lower(),
            )

    def _begin_memory(self, running_system: LocalSystem, config: Config, *, provided: bool) -> None:
        """What later stages are started with."""
        self._begin_choosing(running_system, config)
        self.memory[BOOT_ID] = running_system.read_text(running_system.paths.boot_id_path).strip()
        self.memory[USER_CONFIG] = provided

    def _begin_choosing(self, running_system: LocalSystem, config: Config) -> None:
        """Without a state file of ours, too: Ignition's has no seed."""
        if SEED not in self.memory:
            self.memory[SEED] = seed(digest_of(config), *map(running_system.read_text, IDENTITY))

    def _carry_out(self, stage: str, config: Config) -> None:
        from provision.system.block.kernel_devices import KernelDevices
        from provision.system.machine import Machine

        plan = stage_plan(stage)
        if stage == "files":
            self.memory[NOW] = _now()
            self.memory[PLAIN_KEYS] = self.environment.get(KEY_FRAGMENTS) in {"false", "0"}
        machine = Machine(self.root, KernelDevices(), self.memory, log=self.log)
        try:
            history = self._history(config, machine) if stage == "files" else NoHistory()
            config = self._with_handed(config) if stage == "files" else config
            preflight([(stage, plan)], config, machine, history.view(machine), self._wait)
            fetcher = DeferredFetcher(config, self.platform, self.log)
            Engine(machine, fetcher, self._watch, history).run(stage, plan, config)
        finally:
            machine.release()

    def _with_handed(self, config: Config) -> Config:
        """The config, and over it the files that the platform handed over, which most platforms do not."""
        from provision.boot import platform_files

        return merged((platform_files.files(self.memory),), config) if PLATFORM_FILES in self.memory else config

    def _history(self, config: Config, machine: Machine) -> History:
        return FileHistory(record_path(self.root, machine), digest_of(config))

    def _wait(self, step: Step) -> None:
        from provision.system.block.kernel_devices import WAIT

        self.log("notice", f"{step.stage}: {step.action.title}, up to {WAIT:g} s [{step.action.config_path}]")

    def _watch(self, step: Step) -> None:
        reason = f" [{step.action.config_path}]" if step.action.config_path else ""
        self.log("info", f"{step.stage}: {step.action.title}{reason}")

    def _cached(self) -> Config:
        cached = read_private(self.cache)
        if cached is None:
            raise Failure(f"{self.cache}: there is no config", hint="a fetch stage has to come first")
        try:
            return decode(cached)
        except ValueError:
            hint = "remove it and run a fetch stage again"
            raise Failure(f"{self.cache}: is not what a fetch stage writes", hint=hint) from None

    def _running_system(self) -> LocalSystem:
        from provision.system.running_system.running_system import LocalSystem

        return LocalSystem(SystemPaths.of(self.environment))


def seed(digest: str, *identity: str) -> str:
    """What all that a config leaves open follows from: UUIDs of partitions, volumes and file systems.

    It is the same for one config on one machine, so that a run after a power loss recognises its own work; and random
    where the firmware gives the machine no identity (a UUID of one repeated digit is none).
    """
    from hashlib import sha256
    from os import urandom

    words = [word for word in (text.strip().lower() for text in identity) if len(set(word) - {"-"}) > 1]
    return sha256("\n".join([digest, *words]).encode()).hexdigest() if words else urandom(32).hex()


def _whole(base: Config, user: Config) -> Config:
    """The user's config over the system's, which most systems do not have."""
    return user if base is EMPTY else merged((user,), base)


def _now() -> str:
    """Local time as RFC 3339 has it."""
    from time import strftime

    zone = strftime("%z")
    return strftime("%Y-%m-%dT%H:%M:%S") + (zone[:3] + ":" + zone[3:] if zone != "+0000" else "Z")
