"""Give problems of the format better hints and places for authors of YAML.

The hints of the format are about JSON, or missing, and some of its places are those of a whole unit, entry or list.
Here the hint says what to write in YAML, and the place is that of the wrong value or line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence

from provision.config.model import VERSIONS
from provision.config.problems import Path, Problem
from provision.config.reports.did_you_mean import did_you_mean
from provision.config.reports.rule_ids import rule_of
from provision.config.rules.unit_text import BadUnit, sections_with_options
from transpiler.butane.source_rules import INLINE
from transpiler.butane.variants import table
from transpiler.lint import syntax
from transpiler.lint.embedded import inline_problems
from transpiler.lint.source import LintInput, node_at, place_of_line
from transpiler.reading.yaml_node import YamlNode
from transpiler.reports.secret_masks import known_names

_REDUNDANT_BESIDE = {
    "hidden-by-alias": "wrong-type",
    "special-mode-bits": "decimal-mode",
    "duplicate-number": "duplicate-entry",
}
"""Rule -> another rule. A problem of the first is left out if the same value has a problem of the second."""


def explain_problems(problems: Sequence[Problem], source: LintInput) -> Iterator[Problem]:
    """The same problems with better places and hints, without those that only follow from others."""
    if any(one.rule == INLINE for one in problems):
        problems = [*(one for one in problems if one.rule != INLINE), *inline_problems(source)]
    rules = {(one.path, rule_of(one)) for one in problems}
    repeated = {one.path[:-1] for one in problems if rule_of(one) == "duplicate-key"}
    for problem in problems:
        rule = rule_of(problem)
        if 'unit ""' in problem.message:
            continue  # the missing name is reported
        below = any(problem.path[:length] in repeated for length in range(1, len(problem.path) + 1))
        if (problem.path, _REDUNDANT_BESIDE.get(rule, "")) in rules or (below and rule != "duplicate-key"):
            continue
        yield _explain_problem(problem, rule, source)


def _explain_problem(problem: Problem, rule: str, source: LintInput) -> Problem:
    if source.root is None:
        return syntax.explained(problem, source.lines.get(problem.at.file if problem.at else "", []))
    improve = _BY_RULE.get(rule)
    node = node_at(source.root, problem.path) if improve else None
    return improve(problem, node, source) if improve else problem


def _add_hint(hint: str) -> Improve:
    return lambda problem, _node, _source: problem._replace(hint=problem.hint or hint)


def _unit_syntax(problem: Problem, node: YamlNode | None, source: LintInput) -> Problem:
    hints = {
        "section": "write a section alone on its line, in brackets: [Service]",
        "option": "write `Name=value`; end a line with a backslash to continue the value in the next line",
        "EOF": "write `Name=value`",
        "line": "split the line; end each part but the last with a backslash",
    }
    hint = next((text for word, text in hints.items() if word in problem.message.partition(": ")[2]), "")
    if node is not None and source.starts_with(node, ">"):
        hint = "begin the block with `|`: a block with `>` joins its lines into one"
    try:
        sections_with_options(node.text if node else "")
    except BadUnit as error:
        return problem._replace(hint=hint, at=place_of_line(node, source, error.line))
    return problem._replace(hint=hint)


def _wrong_type(problem: Problem, node: YamlNode | None, source: LintInput) -> Problem:
    """A value of a wrong type: often the line is not `name: value`, or the value has the form of another program."""
    at = problem.at
    if at is not None:
        found = syntax.in_line(source.line(at))
        if found is not None:
            column = at._replace(column=found.column)
            return problem._replace(message=found.message, hint=found.hint, at=column, rule=found.rule)
    hint = (
        _typed_hint(problem, node) if node is None or node.kind == "scalar" else _collection_hint(problem, node, source)
    )
    return problem._replace(hint=hint) if hint else problem


def _collection_hint(problem: Problem, node: YamlNode, source: LintInput) -> str:
    """How to write a list or mapping in the place of another value; empty if there is no special hint."""
    name = problem.path[-1] if problem.path else ""
    if node.kind == "sequence":
        if name in {"inline", "contents"} and source.starts_with(node, "-"):
            return f"for a text of several lines, write `{name}: |`"
        first = {"passwd": "users", "storage": "files", "systemd": "units"}.get(str(name), "")
        if first and len(problem.path) == 1:
            return f"write a line such as `{first}:` above the list, and indent the list"
        return _typed_hint(problem, None)
    key = node.items[0][0].text if node.kind == "mapping" and node.items else ""
    names = {"units": "name", "users": "name", "groups": "name", "files": "path", "directories": "path"}
    if str(name) in names and key not in known_names() and re.fullmatch(r"[\w./@-]{1,60}", key):
        return f"write a list, with `- {names[str(name)]}: {key}` as its first line"
    return _typed_hint(problem, None)


def _typed_hint(problem: Problem, node: YamlNode | None) -> str:
    """How to write a value that authors often write in a wrong form; empty if there is no special hint."""
    name = next((part for part in reversed(problem.path) if isinstance(part, str)), "")
    text = node.text if node is not None and node.kind == "scalar" else ""
    if not problem.path:
        return "a config begins with lines such as `variant: fcos` and `version: 1.5.0`"
    if name == "contents":
        block = problem.path[0] == "systemd"
        return (
            "write the text in a block: `contents: |`"
            if block
            else "write the text as `inline: ...` on the next line, indented"
        )
    owner = re.fullmatch(r"([\w.-]+)(?::([\w.-]+))?", text) if name in {"user", "group"} else None
    if owner:
        others = f" and `group: {{name: {owner[2]}}}`" if owner[2] else ""
        return f"write `{name}: {{{'id' if owner[1].isdigit() else 'name'}: {owner[1]}}}`{others}"
    if node is not None and (node.plain or name.endswith("_mib")) and name.endswith(("mode", "_mib", "id")):
        return _number_hint(name, text)
    if name in {"merge", "replace", "certificate_authorities", "append"} and re.match(r"[a-z0-9]+://", text):
        return "write the URL as `source: ...`"
    return "write the list below `should_exist:`" if problem.path == ("kernel_arguments",) else ""


def _number_hint(name: str, text: str) -> str:
    if name.endswith("mode"):
        simple = re.fullmatch(r"(0?[0-7]{3})[,;.]", text)
        return f"write {simple[1]}" if simple else "write the mode in octal with a leading zero, such as 0644"
    return _in_mib(text) if name.endswith("_mib") else "write a number; names are written as `name`"


def _in_mib(text: str) -> str:
    match = re.fullmatch(r"(\d+)\s*([MGT])(i?B)?", text, re.IGNORECASE)
    if match is None:
        return "write the number of MiB, without unit"
    number = int(match[1]) << {"M": 0, "G": 10, "T": 20}[match[2].upper()]
    return f"write the number of MiB, without unit: {number}"


def _not_absolute(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    text = node.text if node is not None and node.kind == "scalar" else ""
    by = re.fullmatch(r"(UUID|LABEL|PARTUUID|PARTLABEL)=([\w.-]+)", text)
    if by:
        return problem._replace(hint=f"write /dev/disk/by-{by[1].lower()}/{by[2]}")
    if text.startswith(("~", "$")):
        return problem._replace(hint="~ and variables are not replaced: write the whole path, such as /home/core/...")
    start = "/dev/" if {"device", "devices"} & set(problem.path[-2:]) else "/"
    simple = re.fullmatch(r"(\./)?([\w@+-][\w./@+-]{0,60})", text)
    return problem._replace(hint=f"write {start}{simple[2]}" if simple else "a path begins with a slash")


def _illegal_mode(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    match = re.fullmatch(r"0o?1[024]0?(0[0-7]{3}|[0-7]{3})", node.text) if node is not None else None
    hint = (
        f"write 0{match[1][-3:]}: the other digits are the type of the file" if match else "the largest mode is 07777"
    )
    return problem._replace(hint=hint)


def _special_bits(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    text = node.text if node is not None else ""
    if set(text) & {"8", "9"} and text.startswith("0"):
        message = "this mode is not octal, so it is read as a decimal number"
        hint = f"{text} is not octal: the digits of a mode are 0 to 7"
        return problem._replace(message=message, hint=hint, rule="special-mode-bits")
    if re.fullmatch("[1-9][0-9]{1,3}", text) and set(text) & {"8", "9"}:
        hint = f"decimal {text} is octal {int(text):04o}; write the mode in octal with a leading zero, such as 0644"
        return problem._replace(message="this mode is a decimal number", hint=hint, rule="special-mode-bits")
    if text[:2] in {"0x", "0X"}:
        hint = f"write 0{text[2:]}" if re.fullmatch("[0-7]{3}", text[2:]) else "write the mode in octal, such as 0644"
        return problem._replace(message="this mode is hexadecimal", hint=hint, rule="special-mode-bits")
    return problem._replace(
        hint="write the last three digits only; or use a version that makes 3.6.0, such as fcos 1.7.0"
    )


def _url_scheme(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    text = node.text if node is not None and node.kind == "scalar" else ""
    if re.match(r"(file:|\.?\.?/)", text):
        return problem._replace(hint="for a local file, write `local: ...` with its path in the files directory (-d)")
    if re.fullmatch(r"[\w-]+(\.[\w-]+)+(/[\w./-]*)?", text):
        return problem._replace(hint=f"write https://{text}")
    return problem


def _nothing_there(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    if node is not None and node.kind == "scalar" and node.text in {"", "~", "null"}:
        return problem._replace(hint="it is empty: indent the lines that belong to it, or remove it")
    return problem


def _unit_extension(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    text = node.text if node is not None and node.kind == "scalar" else ""
    if not text:
        return problem._replace(
            message="this unit has no name", hint="add a line `name: a.service`", rule="unit-extension"
        )
    stem, dot, suffix = text.rpartition(".")
    if not dot and re.fullmatch(r"[\w@:\\-]+", text):
        return problem._replace(hint=f"write {text}.service (or another suffix, such as .timer, .socket, .mount)")
    near = (
        did_you_mean(f".{suffix}", problem.hint.removeprefix("one of ").split(", ")).partition("mean ")[2].rstrip("?)")
    )
    return problem._replace(hint=f"did you mean {stem}{near}?") if near else problem


def _dropin_extension(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    known = node is not None and re.fullmatch(r"[\w-]+", node.text)
    return problem._replace(hint=f"write {node.text}.conf") if node is not None and known else problem


def _local_file(problem: Problem, node: YamlNode | None, source: LintInput) -> Problem:
    """A local file that is missing or of the wrong kind."""
    path: Path = (*problem.path, "local")
    if node is not None and node.kind == "mapping" and node_at(source.root, path):  # a tree
        problem, node = problem._replace(path=path), node_at(source.root, path)
    if problem.message.startswith("root of tree"):
        hint = "for one file, add an entry to storage.files with `contents: {local: ...}`"
        return problem._replace(hint=hint)
    if "outside the files directory" in problem.message:
        return problem._replace(hint="put the file into the files directory, or give another directory with -d")
    if "no such file" in problem.message and node is not None and node.kind == "scalar":
        if node.text.startswith("/"):
            return problem._replace(hint=f"write a path that is relative to the files directory, {source.files_dir}")
        folder, _, name = node.text.rpartition("/")
        try:
            known = os.listdir(os.path.join(source.files_dir, folder.lstrip("/")))
        except OSError:
            known = []
        near = did_you_mean(name, known).strip(" ()").rstrip("?").rpartition(" ")[2]
        if near:
            return problem._replace(hint=f"did you mean {folder + '/' if folder else ''}{near}?")
    return problem


def _duplicate_entry(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    """An entry that is already in the list: the place becomes that of its name, path, device, number or label."""
    if node is not None and node.kind == "mapping":
        keys = {key.text: value for key, value in node.items}
        same = next((keys[name] for name in ("path", "name", "device", "number", "label") if name in keys), None)
        if same is not None:
            return problem._replace(at=same.at)
    return problem


def _overlap(problem: Problem, _node: YamlNode | None, source: LintInput) -> Problem:
    """Partitions that overlap: the hint gives the end of the other partition, where this one may start."""
    match problem.path:
        case ("storage", "disks", int(disk), "partitions", int(number)):
            partitions = source.record.storage.disks[disk].partitions
            start = partitions[number].start_mib or 0
            others = [(one.start_mib or 0, one.size_mib or 0) for one in partitions if one is not partitions[number]]
            end = max((first + size for first, size in others if first <= start < first + size), default=0)
            if end:
                hint = f"another partition ends at {end} MiB: write `start_mib: {end}`, or remove start_mib"
                return problem._replace(path=(*problem.path, "start_mib"), hint=hint)
    return problem


def _version(problem: Problem, node: YamlNode | None, source: LintInput) -> Problem:
    """A version or variant that is not known: the hint gives the most similar one."""
    known = re.findall(r"[\w.-]+", problem.hint.partition(": ")[2])
    text = node.text if node is not None else ""
    simple = text.lower().removeprefix("v").removesuffix("-experimental")
    if simple != text and simple in known:
        return problem._replace(hint=f"write {simple}")
    if f"{text}.0" in known:
        return problem._replace(hint=f"write {text}.0")
    made = next((version for version in known if text and text == _ignition_version(source, version)), "")
    if made:
        return problem._replace(hint=f"{text} is an Ignition version: write {made}, which makes it")
    if text.replace(",", ".") in known:
        return problem._replace(hint=f"write {text.replace(',', '.')}")
    near = did_you_mean(text.lower(), known).strip(" ()") if problem.path == ("variant",) else ""
    return problem._replace(hint=f"{near}; {problem.hint}") if near else problem


def _ignition_version(source: LintInput, version: str) -> str:
    """The Ignition version, such as `3.4.0`, that a version of the text's variant makes; empty if there is none."""
    name = node_at(source.root, ("variant",))
    row = table().get((name.text if name else "", version))
    return VERSIONS[row.spec_minor] if row else ""


def _no_install(problem: Problem, node: YamlNode | None, source: LintInput) -> Problem:
    """A unit without [Install]: often the settings of this section are in another one."""
    for number, line in enumerate(node.text.split("\n") if node is not None else ()):
        setting = re.match(r"\s*(WantedBy|RequiredBy)\s*=", line)
        at = place_of_line(node, source, number) if setting else None
        if setting and at:
            return problem._replace(hint=f"{setting[1]}= belongs below a line [Install]", at=at)
    return problem


def _kernel_type(problem: Problem, node: YamlNode | None, _source: LintInput) -> Problem:
    text = node.text if node is not None and node.kind == "scalar" else ""
    if re.fullmatch(r"(?i:rt|(kernel-)?rt|real[ _-]?time|preempt[_-]rt)", text):
        return problem._replace(hint="write realtime")
    near = did_you_mean(text.lower(), ("default", "realtime")).strip(" ()")
    return problem._replace(hint=near or "write realtime for the real-time kernel; without the line, it is the default")


def _unsupported_field(problem: Problem, _node: YamlNode | None, _source: LintInput) -> Problem:
    """How a config for OpenShift says the same. Source: tmpfiles.d(5)."""
    hints = {
        "directories": "a file makes its directories; others are made by a line `d` in a file below /etc/tmpfiles.d",
        "links": "write a file below /etc/tmpfiles.d with a line `L` for each link",
        "append": "write the whole file with `contents`",
    }
    return problem._replace(hint=problem.hint or hints.get(str(problem.path[-1]), ""))


Improve = Callable[[Problem, YamlNode | None, LintInput], Problem]

_BY_RULE: dict[str, Improve] = {
    "missing-device": _add_hint("add a line `device: /dev/...`"),
    "dropin-extension": _dropin_extension,
    "duplicate-entry": _duplicate_entry,
    "missing-format": _add_hint("add a line such as `format: xfs`"),
    "guid-form": _add_hint("write a GUID in this form; without the line, the type is Linux data"),
    "hidden-by-alias": _nothing_there,
    "illegal-mode": _illegal_mode,
    "url-scheme": _url_scheme,
    "key-type": _wrong_type,
    "no-install-section": _no_install,
    "missing-target": _add_hint("add a line `target: /...`"),
    "local-file": _local_file,
    "missing-local": _add_hint("add a line `local: ...` with a directory below the files directory (-d)"),
    "missing-metadata-name": _add_hint("add `metadata:` with a line `name: 99-worker-custom` below it"),
    "mirror-devices": _add_hint("add another device"),
    "overwrite-without-source": _add_hint("write the new contents, or remove the line"),
    "label-with-colon": _add_hint("write a label without a colon"),
    "partition-overlap": _overlap,
    "relative-path": _not_absolute,
    "missing-path": _add_hint("add a line `path: /...`"),
    "missing-mount-path": _add_hint("add a line such as `path: /var/lib/data`"),
    "missing-devices": _add_hint("add a line `devices: [/dev/..., /dev/...]`"),
    "missing-level": _add_hint("add a line such as `level: raid1`"),
    "special-mode-bits": _special_bits,
    "missing-thumbprint": _add_hint("add a line `thumbprint: ...`; `tang-show-keys` on the server prints it"),
    "unit-extension": _unit_extension,
    "unit-syntax": _unit_syntax,
    "other-users": _add_hint("write `name: core`: other users cannot be made in this way"),
    "version": _version,
    "variant": _version,
    "kernel-type": _kernel_type,
    "unsupported-field": _unsupported_field,
    "wrong-type": _wrong_type,
    "yaml-syntax": _wrong_type,
}
