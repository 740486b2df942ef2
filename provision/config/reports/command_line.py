"""A command line that suggests the command or option that was probably meant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from provision.config.reports.did_you_mean import did_you_mean


class CommandLine(argparse.ArgumentParser):
    """An argument parser whose error messages name the nearest command, option or choice.

    It shows a description as it is written, and takes no abbreviated options.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as the library does, but refuse unknown options here, where the options of the command are known."""
        parsed, rest = super().parse_known_args(args, namespace)
        unknown = next((word for word in rest if word.startswith("-") and word != "-"), None)
        if unknown is not None:
            name = unknown.partition("=")[0]
            self.error(f"unknown option {name}{did_you_mean(name, self._option_string_actions)}")
        return parsed, rest

    def error(self, message: str) -> NoReturn:
        """Print the usage and the message with the nearest choice; exits with 2."""
        wrong = re.search(r"invalid choice: '([^']*)'", message)
        if wrong:
            message += did_you_mean(wrong[1], _choices(self._actions))
        super().error(message)


def _choices(actions: Sequence[argparse.Action]) -> list[str]:
    return [str(choice) for action in actions for choice in action.choices or ()]
