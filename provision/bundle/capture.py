"""Makes a bundle: the stages are simulated once more, and what the machine answers is kept."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from provision.bundle.bundle import RESTORED, Bundle
from provision.bundle.kernel_arguments import without_values
from provision.bundle.recorded_view import Answers, recorded
from provision.bundle.redaction import secrets_of, without_secrets
from provision.config.format import Config
from provision.config.model import masked
from provision.engine.history import digest_of
from provision.engine.preflight import simulate
from provision.failures import ActionFailed, PlanRefused
from provision.planning.machine_view import MachineView
from provision.planning.stage import Stage
from provision.stages import STAGES


def capture(  # noqa: PLR0913 - what a bundle is made of
    stages: Sequence[Stage],
    config: Config,
    view: MachineView,
    *,
    reasons: Sequence[str] = (),
    log: Sequence[str] = (),
    command_line: str = "",
) -> Bundle:
    """A bundle of what the plan of these stages depends on; nothing is changed, and no device is waited for.

    `reasons` and `log` may have secrets of the config: they are masked. The plan may be refused; that is the use of it.
    Raises Failure for an answer that cannot be kept.
    """
    clean = without_secrets(config)
    answers: Answers = {}
    with suppress(PlanRefused, ActionFailed):  # the replay shows it
        simulate(stages, clean, recorded(view, answers), lambda _step: None)
    secrets = secrets_of(config)
    names = tuple(stage.name if stage.name in STAGES else RESTORED for stage in stages)
    return Bundle(
        stage=names[0],
        stages=names,
        reasons=tuple(masked(line, secrets) for line in reasons),
        digest=digest_of(config),
        config=clean,
        answers=answers,
        log=tuple(masked(line, secrets) for line in log),
        command_line=without_values(command_line),
    )
