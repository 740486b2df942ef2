"""One stage of a boot: fetches the config, or checks that the stage can be carried out and carries it out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from provision.boot.records.machine_identity import identifying_words, machine_identity
from provision.boot.run_files import BLOBS, BUNDLE, EARLIER_RECORD
from provision.boot.stage.deferred_fetcher import DeferredFetcher
from provision.boot.stage.saved_state import read_state, write_state
from provision.boot.status import reported
from provision.config.format import Config
from provision.config.json_text.decode import decode
from provision.config.problems import dotted
from provision.engine.execution import Engine
from provision.engine.history import FileHistory, History, NoHistory, digest_of, record_path
from provision.engine.preflight import Step, simulate
from provision.failures import Failure, NeedsNetwork, as_failure
from provision.fetch.base_config import EMPTY, base_config, merged
from provision.fetch.running_system import SystemPaths
from provision.kernel_command_line import propagates_network
from provision.log import FieldLog
from provision.planning.boot_state import BootState
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from provision.stages import load_stage
from provision.system.consoles import in_initramfs
from provision.system.private_files import erase_private, read_private, write_private
from provision.system.root.record_file import RecordFile

if TYPE_CHECKING:
    from provision.boot.root.keeping import RootKeeping
    from provision.fetch.platforms.context import FetchContext
    from provision.fetch.references import Fetched
    from provision.system.machine import Machine
    from provision.system.running_system.local_system import LocalSystem

KEY_FRAGMENTS = "IGNITION_WRITE_AUTHORIZED_KEYS_FRAGMENT"
"""Environment variable: `false` or `0` if sshd reads a single authorized_keys file, and no directory of fragments."""

NETWORKD = "/usr/lib/systemd/systemd-networkd"

FETCHED_MESSAGE_ID = "57124006b5c94805b77ce473e92a8aeb"
"""Other programs find journal messages about fetched configs by this id, which is Ignition's."""


KEYS_MESSAGE_ID = "225067b87bbd4a0cb6ab151f82fa364b"
"""The same for messages about users who got SSH keys."""


class Boot(NamedTuple):
    """The inputs of a stage: the options of its command line, and the state file of earlier stages."""

    platform: str
    root: str
    cache: str
    neednet: str
    fetch_timeout: float
    log: FieldLog
    state_file: str
    environment: Mapping[str, str]
    state: BootState = BootState()

    def run(self, stage: str) -> None:
        """Do the stage, and save the state for later stages. Raises Failure; then the old state file stays.

        After the last stage of a first boot nobody needs the config and the state, which hold secrets: they are erased.
        """
        running_system = self._running_system()
        with reported(stage, self.platform, running_system, self.log):
            begun = self._replace(state=read_state(self.state_file))
            state = begun.next_state(stage, running_system)
            if stage == "umount" and state.files_written and in_initramfs():
                self._erase_secrets()
            else:
                write_state(self.state_file, state._replace(files_written=stage == "files"))

    def _erase_secrets(self) -> None:
        """Erase from /run what may hold secrets of the config: the cached config, the state and stored blobs.

        The bundle of a stage that failed, and was started again, has no secrets, but nobody needs it any more.
        """
        names = os.listdir(BLOBS) if os.path.isdir(BLOBS) else []
        for path in (self.cache, self.state_file, BUNDLE, *(f"{BLOBS}/{name}" for name in names)):
            erase_private(path)

    def next_state(self, stage: str, running_system: LocalSystem) -> BootState:
        """Do the stage, and return the state for later stages. Raises Failure."""
        if self.platform == "auto":
            from provision.fetch.platforms.detection import confirmed

            named = self._replace(platform=confirmed(self.platform, running_system))
            return named.next_state(stage, running_system)
        base = base_config(self.platform, running_system, self.log)
        if stage not in {"fetch-offline", "fetch"}:
            return self._carry_out(load_stage(stage), base, running_system)
        with self._saving_fetch_bundle(stage):
            return self._fetch(base, running_system, offline=stage == "fetch-offline")

    def _fetch(self, base: Config, running_system: LocalSystem, *, offline: bool) -> BootState:
        from provision.boot.stage import platform_files
        from provision.config.json_text.encode import encode_stored
        from provision.fetch.find_config import find_config
        from provision.fetch.resources import needs_network
        from provision.fetch.settings import FetchSettings

        clock_message = "" if offline else running_system.set_clock_to_build_date()
        if clock_message:
            self.log("warning", clock_message)
        settings = FetchSettings(http_total=self.fetch_timeout, offline=offline)
        given = platform_files.from_data_urls(self.state.platform_files)
        try:
            acquired = find_config(self.platform, running_system, settings, self.log, given, addresses=addresses)
        except NeedsNetwork as need:
            if not offline:
                raise
            self._ask_for_network(need.url)
            return self.state._replace(platform_files=platform_files.to_data_urls(given))
        write_private(self.cache, encode_stored(acquired.config).encode())
        self._log_fetched(acquired.fetched)
        if offline and needs_network(_merged_config(base, acquired.config)):
            self._ask_for_network("the config")
        elif offline and _wants_network_settings(running_system) and os.path.exists(NETWORKD):
            self._ask_for_network("provision.network=propagate")  # a platform's network is for systemd-networkd alone
        return self.state._replace(
            seed=self._seed(running_system, acquired.config),
            boot_id=running_system.read_text(running_system.paths.boot_id_path).strip(),
            user_config=acquired.provided,
            fetched_configs=tuple(one._asdict() for one in acquired.fetched),
            platform_files=platform_files.to_data_urls(given),
        )

    def _ask_for_network(self, what: str) -> None:
        self.log("info", f"{what} needs the network")
        write_private(self.neednet, b"")

    def _log_fetched(self, fetched: Iterable[Fetched]) -> None:
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

    def _seed(self, running_system: LocalSystem, config: Config) -> str:
        """The seed in the state; a new one if there is none, as in a state file that Ignition wrote."""
        return self.state.seed or uuid_seed(digest_of(config), identifying_words(running_system))

    def _carry_out(self, stage: Stage, base: Config, running_system: LocalSystem) -> BootState:
        from provision.system.block.kernel_devices import KernelDevices
        from provision.system.machine import Machine

        user = cached_config(self.cache)
        config = _merged_config(base, user)
        state = self.state._replace(
            seed=self._seed(running_system, user),
            started=_now(),
            one_keys_file=self.environment.get(KEY_FRAGMENTS) in {"false", "0"},
            network_settings=self._network_settings(running_system),
        )
        machine = Machine(self.root, KernelDevices(), state, log=self.log)
        try:
            history = self._history(config, machine) if stage.journalled else NoHistory()
            if history.finished(machine):
                self.log("info", f"{stage.name}: an interrupted boot has done this already")
                return machine.boot_state()
            later, view = self._look_ahead(stage, config, machine, history)
            config = _with_platform_files(config, state)
            root = self._root_keeping(stage, config, running_system)
            config = root.settled(machine) if root else config
            with self._saving_bundle((stage, *later), config, view):
                checks = self._deployment_checks(stage, config, running_system)
                steps = simulate((stage, *later, *checks), config, view, lambda step: self._wait(step, stage, machine))
                if stage.irreversible and os.path.exists(EARLIER_RECORD):
                    from provision.boot.records import earlier_record

                    earlier_record.replace(running_system)
                fetcher = DeferredFetcher(config, self.platform, self.log)
                with (
                    root.during(config, steps, machine) if root and stage.name == "disks" else nullcontext(),
                    self._loading_drivers(stage, config),
                ):
                    Engine(machine, fetcher, self._log_step, history).run(stage, config)
            if stage.name == "files":
                self._log_keys(config, machine)
                self._log_remarks(config, machine, steps, running_system)
            return machine.boot_state()
        finally:
            machine.release()

    def _log_remarks(
        self, config: Config, machine: Machine, steps: Sequence[Step], running_system: LocalSystem
    ) -> None:
        """Log what a person has to know of later boots: what they lack, and what they lose."""
        from provision.stages.files.crypttab import missing_programs

        for sentence in missing_programs(config, machine):
            self.log("warning", sentence)
        if _wants_network_settings(running_system):
            from provision.boot.network.settings import remarks

            for level, sentence in remarks(running_system, steps, machine):
                self.log(level, sentence)
        command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
        if in_initramfs() and "ostree=" in command_line:
            from provision.boot.root.deployment import warnings

            for sentence in warnings(command_line):
                self.log("warning", sentence)

    def _look_ahead(
        self, stage: Stage, config: Config, machine: Machine, history: History
    ) -> tuple[tuple[Stage, ...], MachineView]:
        """The stages that are simulated after this one, and the view of the machine on which that is done."""
        if not stage.irreversible:
            return (), history.view(machine)
        from provision.boot.stage.look_ahead import later_stages

        past = partial(self._history, config, machine)
        return later_stages(stage, machine, config, past, names_root=bool(self.root))

    def _network_settings(self, running_system: LocalSystem) -> Mapping[str, str]:
        """The settings that an earlier stage has found, else those in /run. Programs may change these later."""
        if self.state.network_settings or not _wants_network_settings(running_system):
            return self.state.network_settings
        from provision.boot.network.settings import found_settings

        return found_settings(running_system)

    def _root_keeping(self, stage: Stage, config: Config, running_system: LocalSystem) -> RootKeeping | None:
        """In an initramfs the disks stage may replace the root file system, whose content is kept. Raises Failure.

        The kargs stage simulates the disks stage.
        """
        if stage.name not in {"kargs", "disks"} or not in_initramfs():
            return None
        command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
        if not _changes_disks(config) and "provision.restamp" not in command_line:
            return None
        from provision.boot.root.keeping import root_keeping

        return root_keeping(config, command_line, self.log)

    def _loading_drivers(self, stage: Stage, config: Config) -> AbstractContextManager[None]:
        """In an initramfs: load drivers of file systems while mkfs runs, which needs none. Later stages mount them."""
        formats = {one.format for one in config.storage.filesystems if one.format} - {"none", "swap"}
        if stage.name != "disks" or not formats or not in_initramfs():
            return nullcontext()
        from provision.system.block.drivers import loading

        return loading(formats)

    def _deployment_checks(self, stage: Stage, config: Config, running_system: LocalSystem) -> tuple[Stage, ...]:
        """In an initramfs: what a deployment of OSTree refuses, before the first stage that cannot be undone."""
        command_line = running_system.read_text(running_system.paths.kernel_cmdline_path)
        if not stage.irreversible or not in_initramfs() or "ostree=" not in command_line:
            return ()
        from provision.boot.root.deployment import checks

        return checks(config, command_line)

    @contextmanager
    def _saving_bundle(self, stages: Sequence[Stage], config: Config, view: MachineView) -> Iterator[None]:
        """Run the block; in an initramfs a failure of it also saves what the plan depends on."""
        try:
            yield
        except Exception as error:
            if in_initramfs():
                from provision.boot.failure.bundle_file import save_bundle

                save_bundle(as_failure(error), stages, config, view, self.log)
            raise

    @contextmanager
    def _saving_fetch_bundle(self, stage: str) -> Iterator[None]:
        """Run the block; in an initramfs a failure of it also saves what was asked, and what answered."""
        try:
            yield
        except Exception as error:
            if in_initramfs():
                from provision.boot.failure.bundle_file import save_fetch_bundle

                save_fetch_bundle(as_failure(error), stage, self.log)
            raise

    def _history(self, config: Config, machine: Machine) -> History:
        file = RecordFile(self.root, record_path(machine))
        return FileHistory(file, digest_of(config), machine_identity(self._running_system()))

    def _wait(self, step: Step, stage: Stage, machine: Machine) -> None:
        """Log and wait for the devices of this stage; devices of later stages need not exist yet."""
        from provision.system.block.kernel_devices import WAIT

        if step.stage == stage.name:
            place = f" [{dotted(step.action.config_path)}]" if step.action.config_path else ""
            self.log("progress", f"{step.stage}: {step.action.title}, up to {WAIT:g} s{place}")
            machine.apply(step.action)

    def _log_step(self, step: Step) -> None:
        reason = f" [{dotted(step.action.config_path)}]" if step.action.config_path else ""
        self.log("info", f"{step.stage}: {step.action.title}{reason}")

    def _log_keys(self, config: Config, machine: Machine) -> None:
        """Log which users have got keys: at a login, systems without such a message warn that nobody can log in."""
        name = "authorized_keys" if machine.boot_state().one_keys_file else "authorized_keys.d/ignition"
        for user in config.passwd.users:
            account = machine.user(user.name) if user.ssh_authorized_keys else None
            if account is not None:
                path = f"{self.root.rstrip('/')}{(account.home or '').rstrip('/')}/.ssh/{name}"
                self.log(
                    "info",
                    f"wrote the ssh keys of user {user.name}",
                    MESSAGE_ID=KEYS_MESSAGE_ID,
                    IGNITION_USER_NAME=user.name,
                    IGNITION_PATH=path,
                )

    def _running_system(self) -> LocalSystem:
        from provision.system.running_system.local_system import LocalSystem

        return LocalSystem(SystemPaths.of(self.environment))


def cached_config(path: str, base: Config = EMPTY) -> Config:
    """The user's config that a fetch stage has kept, merged over the base config. Raises Failure."""
    cached = read_private(path)
    if cached is None:
        raise Failure(f"{path}: there is no config", hint="a fetch stage has to come first")
    try:
        return _merged_config(base, decode(cached))
    except ValueError:
        hint = "remove it and run a fetch stage again"
        raise Failure(f"{path}: is not what a fetch stage writes", hint=hint) from None


def addresses(platform: str, context: FetchContext) -> Mapping[str, str]:
    """The addresses of this machine that a cloud-config may name; none if the platform has no metadata."""
    from provision.metadata.machine_metadata import addresses

    return addresses(platform, context)


def uuid_seed(digest: str, identity: Sequence[str]) -> str:
    """64 hexadecimal digits from which the UUIDs are derived that a config does not give.

    It is always the same for one config on one machine, so that a run after a power loss recognises its own work. It is
    random if the firmware gives the machine no identity.
    """
    from hashlib import sha256
    from os import urandom

    return sha256("\n".join([digest, *identity]).encode()).hexdigest() if identity else urandom(32).hex()


def _merged_config(base: Config, user: Config) -> Config:
    """The user's config merged over the base config; most systems have no base config."""
    return user if base is EMPTY else merged((user,), base)


def _wants_network_settings(running_system: LocalSystem) -> bool:
    """Whether this is an initramfs, and the settings of its network go to the root."""
    return in_initramfs() and propagates_network(running_system.read_text(running_system.paths.kernel_cmdline_path))


def _changes_disks(config: Config) -> bool:
    storage = config.storage
    return bool(storage.disks or storage.raid or storage.luks or storage.filesystems)


def _with_platform_files(config: Config, state: BootState) -> Config:
    """The config with the files of the platform merged over it; most platforms hand over none."""
    if not state.platform_files:
        return config
    from provision.boot.stage import platform_files

    return merged((platform_files.as_config(state.platform_files),), config)


def _now() -> str:
    """The local time in the form of RFC 3339."""
    from time import strftime

    zone = strftime("%z")
    return strftime("%Y-%m-%dT%H:%M:%S") + (zone[:3] + ":" + zone[3:] if zone != "+0000" else "Z")
