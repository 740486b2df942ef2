"""Groups and users: all problems are reported first, then the accounts are made."""

from __future__ import annotations

from collections.abc import Iterator

from provision.config.format import Config
from provision.config.problems import Problem
from provision.failures import ActionFailed, PlanRefused
from provision.planning.actions import Wave
from provision.planning.machine_view import MachineView
from provision.planning.root.account_files import GROUP, PASSWD
from provision.planning.root.target_paths import resolve_path
from provision.stages.files.accounts import actions, checks

_MADE_IN_ETC = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid", ".pwd.lock")


def plan(config: Config, view: MachineView) -> Iterator[Wave]:
    """Check, then make groups and users. Raises PlanRefused with every reason."""
    absent = [path for path in _databases(config) if view.file_status(resolve_path(view, path)) is None]
    if absent:
        raise PlanRefused(
            [Problem(("passwd",), f"the root has no {path}", rule="missing-account-file") for path in absent],
            hint="is it the root of a system?",
        )
    problems = list(checks.refusals(config, view))
    problems += [problem for tool in sorted(_tools(config)) for problem in _missing_tool(tool, view)]
    if problems:
        raise PlanRefused(problems)
    yield from actions.plan(config, view)


def made_by_programs(config: Config, view: MachineView) -> Iterator[str]:
    """Paths that the tools may have made: the account files with their copies and locks, and the homes.

    Raises Unresolvable.
    """
    if not config.passwd.groups and not config.passwd.users:
        return
    yield from (f"/etc/{name}" for name in view.children("/etc") if name.startswith(_MADE_IN_ETC))
    for user in config.passwd.users:
        account = view.user(user.name)
        if account is not None and account.home and not user.no_create_home:
            yield resolve_path(view, f"{account.home}/.")


def _missing_tool(tool: str, view: MachineView) -> Iterator[Problem]:
    hint = "install the package passwd or shadow-utils"
    try:
        if view.tool(tool) is not None:
            return
        message = f"{tool} is not on PATH, nor in the root"
    except ActionFailed as failed:
        message = f"{tool} of the root cannot be started: {failed.output}"
        hint = f"mend it in the root, or {hint} there again"
    yield Problem(("passwd",), message, hint=hint, rule="missing-tool")


def _tools(config: Config) -> frozenset[str]:
    """The programs that the accounts of a config need."""
    groups, users = config.passwd.groups, config.passwd.users
    return frozenset(
        ([] if not groups else ["groupadd", "groupmod", "groupdel"])
        + ([] if not users else ["useradd", "usermod", "userdel"])
    )


def _databases(config: Config) -> Iterator[str]:
    """The files that must be there to make the accounts of a config; removing accounts needs none.

    Without shadow and gshadow, the tools write passwords to these.
    """
    yield from [GROUP] if any(group.should_exist is not False for group in config.passwd.groups) else []
    yield from [PASSWD] if any(user.should_exist is not False for user in config.passwd.users) else []
