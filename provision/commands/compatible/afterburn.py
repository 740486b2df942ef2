"""`afterburn` and `coreos-metadata`: the command lines of these programs, done by `provision metadata`.

Source: Afterburn's command line (src/cli), and that of coreos-metadata, which has single dashes and older names.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from provision.commands import metadata
from provision.commands.timeout import DEFAULT
from provision.log import open_log

KERNEL_ARGUMENTS_FILE = "/etc/cmdline.d/50-afterburn-network-kargs.conf"


def afterburn(arguments: Sequence[str]) -> int:
    """`afterburn multi OPTIONS`, the same without `multi`, `exp rd-network-kargs` and `render-ignition` with options.

    Returns 0; argparse exits with 2 for a wrong command line; raises Failure.
    """
    if [*arguments[:2]] == ["exp", "rd-network-kargs"]:
        return _write_kernel_arguments(arguments[2:])
    if arguments[:1] == ["render-ignition"]:
        return _write_configs(arguments[1:])
    return _multi("afterburn", arguments[1:] if arguments[:1] == ["multi"] else _with_two_dashes(arguments))


def coreos_metadata(arguments: Sequence[str]) -> int:
    """`coreos-metadata OPTIONS`: attributes have the names of that program. Returns and raises as `afterburn`."""
    return _multi("coreos-metadata", _with_two_dashes(arguments))


def _with_two_dashes(arguments: Sequence[str]) -> list[str]:
    """Old command lines have options with one dash."""
    return [f"-{word}" if word[:1] == "-" and word[:2] != "--" and len(word) > 2 else word for word in arguments]


def _multi(program: str, arguments: Sequence[str]) -> int:
    parser = _parser(program)
    parser.add_argument("--attributes", metavar="FILE", help="write the attributes")
    metadata.add_files(parser)
    options = parser.parse_args(arguments)
    options.coreos_attributes = None
    if program == "coreos-metadata":
        options.attributes, options.coreos_attributes = None, options.attributes
    return metadata.carry_out(options)


def _write_kernel_arguments(arguments: Sequence[str]) -> int:
    from provision.fetch.running_system import SystemPaths
    from provision.kernel_command_line import arguments as words
    from provision.system.running_system.local_system import LocalSystem
    from provision.system.shared_files import write_shared

    parser = _parser("afterburn exp rd-network-kargs")
    parser.add_argument("--default-value", required=True, metavar="ARGS", help="arguments where the platform has none")
    options = parser.parse_args(arguments)
    log = open_log(sys.stderr, to_stdout=False)
    command_line = LocalSystem().read_text(SystemPaths().kernel_cmdline_path)
    if any(name == "ip" for name, _ in words(command_line)):
        log("info", "the kernel command line has network arguments: nothing is added")
        return 0
    found = metadata.ask_platform(options.platform or "", options.timeout, log).kernel_arguments()
    write_shared(KERNEL_ARGUMENTS_FILE, f"{found or options.default_value}\n")
    return 0


def _write_configs(arguments: Sequence[str]) -> int:
    from provision.metadata.ignition_fragments import hostname_config, user_config
    from provision.system.shared_files import write_shared

    parser = _parser("afterburn render-ignition")
    parser.add_argument(
        "--render-ignition-dir", required=True, metavar="DIR", help="write the configs into this folder"
    )
    parser.add_argument("--disable-hostname-fragment", action="store_true", help="write no config with the host name")
    parser.add_argument("--disable-user-fragment", action="store_true", help="write no config with the administrator")
    options = parser.parse_args(arguments)
    log = open_log(sys.stderr, to_stdout=False)
    found = metadata.ask_platform(options.platform or "", options.timeout, log)
    administrator = found.administrator()
    if not options.disable_hostname_fragment:
        name = found.hostname()
        if name:
            write_shared(f"{options.render_ignition_dir}/hostname.ign", hostname_config(name))
        else:
            log("warning", "the platform gives this machine no host name")
    if not options.disable_user_fragment:
        keys = tuple(found.ssh_keys())
        if administrator and keys:
            write_shared(f"{options.render_ignition_dir}/user.ign", user_config(administrator, keys))
        else:
            log("warning", "the platform gives no administrator with SSH keys")
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    metadata.add_platform(parser)
    parser.set_defaults(timeout=DEFAULT)
    return parser
