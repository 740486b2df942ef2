"""Sources that need no network: a file on a drive, a block device, or a file of the kernel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from provision.failures import FetchFailed
from provision.fetch.platforms.context import FetchContext
from provision.fetch.platforms.sources import POLL_SECONDS, Source
from provision.fetch.platforms.trust_settings import CONFIG_DRIVE, NotTrustedError
from provision.fetch.retry import WaitReporter

CONFIG_DRIVES = frozenset({"config-2", "cidata"})
"""Labels of config drives, in lower case. A file system with such a label does not belong to an installed system."""


REFUSED_REMEDY = f"add {CONFIG_DRIVE}=any to the kernel command line if this drive is yours"


class Drive(NamedTuple):
    """A file on a drive with a label. After `seconds` without the drive there is no config; 0 waits without limit.

    With `skips_cloud_config` a file for cloud-init is skipped.
    """

    label: str
    files: tuple[str, ...]
    seconds: float = 0.0
    skips_cloud_config: bool = False
    offline: bool = True

    def fetch(self, context: FetchContext) -> bytes | None:
        """Wait for the drive, and read the first of its files that is there and not skipped.

        Raises FetchFailed if no drive is trusted, or if the only drive that appeared is not trusted.
        """
        if context.trust.config_drive == "none":
            raise NotTrustedError(f"drive {self.label}", f"not used: {CONFIG_DRIVE}=none is set")
        device = self.device(context)
        if device is None and (context.stop.is_set() or (self.seconds and context.settings.deadline().left())):
            late = f"no drive labelled {self.label} within {self.seconds:.0f} s"
            context.log("warning", f"{late}: going on without a config")
            return None
        if device is None:
            raise FetchFailed(f"drive {self.label}", "did not appear in time")
        for file in self.files:
            raw = context.running_system.read_from(device, file)
            if raw and not (self.skips_cloud_config and is_cloud_config(raw)):
                return raw
        return None

    def device(self, context: FetchContext, *, is_named: bool = False) -> str | None:
        """Wait for the drive and return its device; None if it did not appear in time.

        A drive on an external bus is skipped, unless the kernel command line names it or every drive is trusted. Raises
        FetchFailed if only such a drive appeared in time.
        """
        accepts_any = is_named or context.trust.config_drive == "any"
        deadline = context.settings.deadline(self.seconds)
        with WaitReporter(f"a drive labelled {self.label}", deadline, context.log, context.stop) as wait:
            wait.explain("it is not there", "attach the drive that holds the config", deadline)
            refused = ""
            while not context.stop.is_set():
                device = context.running_system.drive(self.label)
                bus = context.running_system.external_bus(device) if device and not accepts_any else ""
                if device and not bus:
                    return device
                if device and not refused:
                    refused = f"{device} is attached by {bus}, and is not trusted"
                    context.log("warning", f"a drive labelled {self.label}: {refused}; {REFUSED_REMEDY}")
                    wait.explain(refused, REFUSED_REMEDY, deadline)
                if not deadline.left():
                    break
                context.running_system.await_change(min(POLL_SECONDS, deadline.left()))
        if refused:
            raise FetchFailed(f"drive {self.label}", refused, hint=REFUSED_REMEDY)
        return None

    def describe(self) -> str:
        """Label and files of the drive."""
        wait = f", for {self.seconds:.0f} s" if self.seconds else ""
        return f"drive labelled `{self.label}`{wait}: " + ", ".join(f"`{file}`" for file in self.files)


class Optical(NamedTuple):
    """A file on the CD that holds a marker file."""

    file: str
    marker: str
    formats: tuple[str, ...]
    offline: bool = True

    def fetch(self, context: FetchContext) -> bytes | None:
        """Wait for the CD as long as the settings allow, and read the file.

        Raises FetchFailed, or NotTrustedError if no drive may be used.
        """
        if context.trust.config_drive == "none":
            raise NotTrustedError(f"CD with {self.marker}", f"not used: {CONFIG_DRIVE}=none is set")
        deadline = context.settings.deadline()
        with WaitReporter(f"a CD that holds {self.marker}", deadline, context.log, context.stop) as wait:
            wait.explain("no drive holds it", "attach the provisioning CD", deadline)
            while deadline.left() and not context.stop.is_set():
                for device in self._trusted(context):
                    if _has(context, device, self.marker, self.formats):
                        return context.running_system.read_from(device, self.file, formats=self.formats)
                context.running_system.await_change(min(POLL_SECONDS, deadline.left()))
        if context.stop.is_set():
            return None
        raise FetchFailed(f"CD with {self.marker}", "did not appear in time")

    def _trusted(self, context: FetchContext) -> Iterator[str]:
        """The CD drives that are trusted to hold the config."""
        for device in context.running_system.optical_drives():
            if context.trust.config_drive == "any" or not context.running_system.external_bus(device):
                yield device

    def describe(self) -> str:
        """File, marker and formats of the CD."""
        return f"CD ({' or '.join(self.formats)}) that holds `{self.marker}`: `{self.file}`"


class KernelFile(NamedTuple):
    """A file of the kernel: firmware data, a FIFO. `module` is the driver; an absent file means no config."""

    path: str
    module: str = ""
    decode: tuple[Callable[[bytes], bytes], ...] = ()
    offline: bool = True

    def fetch(self, context: FetchContext) -> bytes | None:
        """Load the driver and read the file in one call: the time of the kernel's fw_cfg grows with each read."""
        if self.module:
            context.running_system.load_module(self.module)
        deadline = context.settings.deadline()
        with WaitReporter(self.path, deadline, context.log) as wait:
            wait.explain("the kernel reads it slowly", "move large files to a URL", deadline)
            raw = context.running_system.read(self.path)
        if raw is None:
            return None
        for decode in self.decode:
            raw = decode(raw)
        return raw

    def describe(self) -> str:
        """The path."""
        return f"`{self.path}`" + (f" (module `{self.module}`)" if self.module else "")


class ByMachine(NamedTuple):
    """One source for most machines, and another for some architectures (names as of `uname -m`)."""

    usual: Source
    machines: tuple[str, ...]
    other: Source
    offline: bool = True

    def fetch(self, context: FetchContext) -> bytes | None:
        """The config from the source for this machine's architecture."""
        return (self.other if os.uname().machine in self.machines else self.usual).fetch(context)

    def describe(self) -> str:
        """Both sources."""
        return f"{self.usual.describe()}; on {' and '.join(self.machines)}: {self.other.describe()}"


class RawDevice(NamedTuple):
    """A block device that holds only the config, padded with NULs. It may appear within `seconds`; 0 is no limit."""

    path: str
    module: str
    seconds: float
    offline: bool = True

    def fetch(self, context: FetchContext) -> bytes | None:
        """Wait for the device and read it. Raises FetchFailed if it does not appear."""
        context.running_system.load_module(self.module)
        deadline = context.settings.deadline(self.seconds)
        with WaitReporter(self.path, deadline, context.log, context.stop) as wait:
            wait.explain("the device is not there", "attach a disk whose serial is `ignition`", deadline)
            while deadline.left() and not context.stop.is_set():
                raw = context.running_system.read(self.path)
                if raw is not None:
                    return trim_nul(raw)
                context.running_system.await_change(min(POLL_SECONDS, deadline.left()))
        raise FetchFailed(self.path, f"not there after {self.seconds:.0f} s")

    def describe(self) -> str:
        """The path."""
        return f"`{self.path}` (module `{self.module}`)"


def trim_nul(raw: bytes) -> bytes:
    """Bytes without the NULs at their end. Compressed data is left as it is: NULs at its end may belong to it."""
    from provision.fetch.user_data.compression import is_compressed

    begun = raw.lstrip(b"\0")
    return begun if is_compressed(begun) else begun.rstrip(b"\0")


def is_cloud_config(raw: bytes) -> bool:
    """Whether user data is meant for cloud-init."""
    return raw.startswith(b"#cloud-config\n")


def _has(context: FetchContext, device: str, marker: str, formats: tuple[str, ...]) -> bool:
    try:
        return context.running_system.read_from(device, marker, formats=formats) is not None
    except FetchFailed:
        return False
