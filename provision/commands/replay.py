"""Make the plan of another machine again from a bundle, which a first boot that failed or `provision capture` wrote.

The plan is refused for the same reasons, at the same places of the config. It needs no root and changes nothing: the
answers of the machine are in the bundle. Secrets are not; filler of the same size is in their place.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from provision.bundle.bundle import FETCH_STAGES, MAX_FILE, Bundle, read_bundle, stages_of
from provision.bundle.recorded_view import played
from provision.commands.config_places import ConfigPlaces
from provision.commands.given_config import read_file, read_whole
from provision.commands.plan_output import plan_json, plan_lines, style_of
from provision.commands.timeout import add_timeout
from provision.config.reports.text import printable
from provision.engine.history import digest_of
from provision.engine.preflight import simulate
from provision.failures import Failure
from provision.system.limits import limited_work

NAME = "replay"
HELP = "make the plan of another machine again, from its bundle"
EPILOG = """\
examples:
  provision replay bundle
  provision replay bundle --config site.bu
  provision replay bundle --log

"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bundle", metavar="BUNDLE", help="file of a boot (/run/provision/bundle) or of capture")
    parser.add_argument(
        "--config", metavar="CONFIG", help="the config, as its author has it: places of errors are shown in it"
    )
    parser.add_argument("-d", "--files-dir", metavar="DIR", help="directory in which its YAML source finds local files")
    add_timeout(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument("--verbose", action="store_true", help="also show what stays as it is")
    parser.add_argument("--log", action="store_true", help="print the messages of that run, and no plan")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan. Returns 0, or 1 if that run failed in another way than by a refused plan. Raises Failure."""
    with limited_work(arguments.bundle):
        return _replay(arguments)


def _replay(arguments: argparse.Namespace) -> int:
    bundle = read_bundle(read_file(arguments.bundle, MAX_FILE, "bundle"), arguments.bundle)
    if arguments.log:
        print("\n".join(printable(line) for line in bundle.log))
        return 0
    _introduce(bundle)
    if bundle.stage in FETCH_STAGES:
        hint = "--log shows what was asked, what answered, and the network of that machine"
        raise Failure("\n".join(["that run failed before there was a plan:", *bundle.reasons]), hint=hint)
    places = _places(arguments, bundle)
    with places.shown() if places else nullcontext():
        steps = simulate(stages_of(bundle), bundle.config, played(bundle.answers), lambda _step: None)
    found = places.by_path(step.action.config_path for step in steps) if places else {}
    if arguments.json:
        print(plan_json(steps, (), found))
    else:
        print("\n".join(plan_lines(steps, (), style_of(sys.stdout), found, verbose=arguments.verbose)))
    if bundle.reasons:
        hint = "the plan itself could be carried out, as far as it was known; --log shows the messages of that run"
        raise Failure("\n".join(["that run failed for another reason:", *bundle.reasons]), hint=hint)
    return 0


def _places(arguments: argparse.Namespace, bundle: Bundle) -> ConfigPlaces | None:
    """The places of the merged config in the author's text; None without --config."""
    if arguments.config is None:
        return None
    config, _, places = read_whole(arguments.config, arguments.files_dir, arguments.timeout)
    if digest_of(config) != bundle.digest:
        print(
            "warning: the config of the bundle is another one, or was merged with others: places may be wrong",
            file=sys.stderr,
        )
    return places


def _introduce(bundle: Bundle) -> None:
    """Say on standard error where the bundle comes from."""
    digest = f", config sha256-{bundle.digest}" if bundle.digest else ""
    lines = [
        f"bundle of provision {bundle.version}, stages {' '.join(bundle.stages)}{digest}",
        *([f"kernel command line: {bundle.command_line}"] if bundle.command_line else []),
    ]
    print("\n".join(printable(line) for line in lines), file=sys.stderr)
