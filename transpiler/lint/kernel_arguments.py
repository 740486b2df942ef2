"""The lint about kernel arguments that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.problems import Problem
from transpiler.lint.source import LintInput, remark


def kernel_arguments(source: LintInput) -> Iterator[Problem]:
    """Warnings about unwanted arguments whose words are in the wanted ones: the helper refuses both together.

    An argument may be several words. Each boot would remove the unwanted words, add the wanted ones and reboot.
    """
    arguments = getattr(source.record, "kernel_arguments", None)
    if arguments is None:
        return
    wanted = " ".join(str(one) for one in arguments.should_exist).split()
    for index, unwanted in enumerate(arguments.should_not_exist):
        words = str(unwanted).split()
        if words and any(wanted[start : start + len(words)] == words for start in range(len(wanted))):
            path = ("kernel_arguments", "should_not_exist", index)
            message = f"{' '.join(words)} is also a part of should_exist, so the first boot fails"
            yield remark(path, "contradicting-arguments", message, "remove it from one of the two lists")
