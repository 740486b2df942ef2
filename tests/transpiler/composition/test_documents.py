"""Configs that consist of several documents, and of values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provision.config.merge import merge
from provision.config.problems import Position
from transpiler.butane.records import Fcos
from transpiler.composition.plain_yaml import plain_yaml
from transpiler.composition.tags import TagsExpander
from transpiler.composition.values import Document, Values, text_node
from transpiler.phases import transpile
from transpiler.reading.local_files import FilesDirectory
from transpiler.reading.tree import MAX_BYTES, MAX_NODES, parse_yaml
from transpiler.reading.typed import build, read_typed
from transpiler.reading.yaml_problems import YamlError
from transpiler.result import Result
from transpiler.translation_state import TranspileOptions

HEAD = "variant: fcos\nversion: 1.5.0\n"


def composed(folder: Path, main: str, *, values: Values | None = None, **files: str) -> Result:
    """The result of a text; `files` are other files beside it, without the suffix `.bu`."""
    for name, text in files.items():
        (folder / f"{name}.bu").write_text(text)
    return transpile(main.encode(), TranspileOptions(name="main.bu", files_dir=folder, values=values))


def variables(**texts: str) -> Values:
    return Values({name: text_node(text) for name, text in texts.items()}, frozenset(texts))


def found(result: Result) -> list[tuple[str, str]]:
    """The place and the rule of each finding, with the last part of the name of its file."""
    places = ((one.place.rpartition("/")[2], one.rule) for one in result.findings())
    return list(places)


def test_the_parts_of_a_config(tmp_path: Path) -> None:
    result = composed(
        tmp_path,
        "extends: base.bu\nversion: 1.6.0\nstorage:\n  files:\n"
        "    - path: /etc/motd\n      mode: !var {name: mode, type: integer, default: 0600}\n"
        "      contents: {source: !format 'https://{host}/{{motd}}'}\n"
        "systemd:\n  units: !include units.bu\n",
        base=HEAD + "storage:\n  files:\n    - path: /etc/hostname\n      contents: {inline: !var host}\n"
        "    - path: /etc/motd\n      contents: {inline: hello}\n",
        units="- {name: a.service, mask: !env MASK}\n",
        values=variables(host="web1")._replace(environment={"MASK": "true"}),
    )
    assert result.findings() == []
    assert result.json == (
        '{"ignition":{"version":"3.5.0"},"storage":{"files":[{"path":"/etc/hostname","contents":{"compression":"",'
        '"source":"data:,web1"}},{"path":"/etc/motd","contents":{"source":"https://web1/%7Bmotd%7D"},"mode":384}]},'
        '"systemd":{"units":[{"mask":true,"name":"a.service"}]}}'
    ).replace("%7B", "{").replace("%7D", "}")


def test_documents_of_a_command_line_and_bases_are_the_same(tmp_path: Path) -> None:
    files = [f"storage: {{files: [{{path: /{name}}}, {{path: /all, mode: {mode}}}]}}\n" for name, mode in ("a1", "b2")]
    first = HEAD + files[0]
    last = "storage: {files: [{path: /all, user: {id: 7}}]}\n"
    given = transpile(
        last.encode(), TranspileOptions(bases=[Document("a", first.encode()), Document("b", files[1].encode())])
    )
    extended = composed(tmp_path, f"extends: [a.bu, b.bu]\n{last}", a=first, b=files[1])
    assert given.json == extended.json
    assert given.json.count("/all") == 1
    assert '"path":"/all","user":{"id":7},"mode":2' in given.json, given.json


def test_a_base_that_two_documents_extend_counts_once(tmp_path: Path) -> None:
    base = HEAD + "storage: {files: [{path: /a, append: [{inline: x}]}]}\n"
    result = composed(
        tmp_path, "extends: [one.bu, two.bu]\n", base=base, one="extends: base.bu\n", two="extends: base.bu\n"
    )
    assert result.json.count("data:,x") == 1


@pytest.mark.parametrize(
    ("base", "child", "merged"),
    [
        ("kernel_arguments: {should_exist: [a, b]}", "kernel_arguments: {should_not_exist: [b]}", ["a", "b"]),
        ("storage: {links: [{path: /x, target: /y}]}", "storage: {files: [{path: /x}]}", ["/x"]),
        ("storage: {trees: [{local: a}]}", "storage: {trees: [{local: b}]}", ["a", "b"]),
        (
            "boot_device: {mirror: {devices: [/dev/a]}}",
            "boot_device: {mirror: {devices: [/dev/b]}}",
            ["/dev/a", "/dev/b"],
        ),
        (
            "passwd: {users: [{name: core, groups: [a]}]}",
            "passwd: {users: [{name: core, groups: [b]}]}",
            ["a", "b", "core"],
        ),
        ("passwd: {users: [{name: core, uid: 5}]}", "passwd: {users: [{name: core, uid: null}]}", ["core", 5]),
        (
            "systemd: {units: [{name: a.service, contents: old}]}",
            "systemd: {units: [{name: a.service, contents_local: new}]}",
            ["a.service", "new"],
        ),
        (
            "storage: {disks: [&d {device: /dev/a}]}",
            "x: &y {wipe_table: true, device: /dev/a}\nstorage: {disks: [{<<: *y}]}",
            ["/dev/a", True],
        ),
    ],
)
def test_merged_as_a_machine_merges(base: str, child: str, merged: list[object]) -> None:
    head = "variant: fcos\nversion: 1.7.0\n"
    result = transpile((head + child).encode(), TranspileOptions(bases=[Document("base", (head + base).encode())]))
    root = parse_yaml(plain_yaml(result.text.root).encode())
    assert root is not None
    values = read_typed(root, Fcos, 6).values
    assert (
        leaves({name: value for name, value in values.items() if value and name not in {"variant", "version"}})
        == merged
    )
    documents = [build(Fcos, read_typed(_tree(head + text), Fcos, 6).values) for text in (base, child)]
    if "contents_local" not in child:
        assert build(Fcos, values) == merge(*documents)


def _tree(text: str) -> Any:
    return parse_yaml(text.encode())


def leaves(value: Any) -> list[object]:
    if isinstance(value, dict | list):
        return [leaf for one in (value.values() if isinstance(value, dict) else value) for leaf in leaves(one)]
    return [value]


@pytest.mark.parametrize(
    ("main", "places"),
    [
        (HEAD + "storage: !include part.bu\n", [("part.bu:1:16", "relative-path")]),
        ("extends: base.bu\nstorage: {files: [{path: /a, mode: x}]}\n", [("main.bu:2:36", "wrong-type")]),
        ("extends: base.bu\nstorage: {files: [{path: /a}, {path: /a}]}\n", [("main.bu:2:38", "duplicate-entry")]),
        ("extends: [base.bu, other.bu]\n", [("other.bu:1:10", "variant")]),
        (HEAD + "storage: !include broken.bu\n", [("broken.bu:1:4", "yaml-syntax")]),
        (HEAD + "storage: !include two.bu\n", [("two.bu:2:1", "second-document")]),
        (HEAD + "storage: !include empty.bu\n", [("main.bu:3:10", "include")]),
        (HEAD + "storage: !include none.bu\n", [("main.bu:3:10", "include")]),
        (HEAD + "storage: !include ../up.bu\n", [("main.bu:3:10", "include")]),
        (HEAD + "storage: !include loop.bu\n", [("loop.bu:1:4", "include")]),
        (HEAD + "storage: !include [a]\n", [("main.bu:3:10", "include")]),
        ("extends: part.bu\n", [("main.bu:1:1", "variant")]),
        ("extends: again.bu\n", [("again.bu:1:10", "include")]),
        (HEAD + "a: [!var x, !env y]\n", [("main.bu:3:5", "undefined-value"), ("main.bu:3:13", "undefined-value")]),
        (HEAD + "a: !secret z\n", [("main.bu:3:4", "undefined-value")]),
        (HEAD + "a: !format '{x} {} {'\n", [("main.bu:3:4", "tag"), ("main.bu:3:4", "undefined-value")]),
        (HEAD + "a: !var {name: x, default: b, type: integer}\n", [("main.bu:3:28", "value-type")]),
        (HEAD + "a: !var {name: x, defualt: b}\n", [("main.bu:3:19", "tag")]),
        (HEAD + "!var x: 1\n", [("main.bu:3:1", "tag"), ("main.bu:3:1", "undefined-value")]),
        (HEAD + "a: {b: !format {x}:80}\n", [("main.bu:3:8", "yaml-syntax")]),
        (HEAD + "a: !var\n", [("main.bu:3:4", "tag")]),
    ],
)  # fmt: skip
def test_places_of_mistakes(main: str, places: list[tuple[str, str]], tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "base": HEAD,
        "part": "files: [{path: a}]\n",
        "other": "variant: flatcar\n",
        "broken": "a: @\n",
        "two": "a: 1\n---\nb: 1\n",
        "empty": "\n",
        "loop": "a: !include loop.bu\n",
        "again": "extends: again.bu\n",
    }
    result = composed(tmp_path, main, **files)
    assert result.failed
    assert sorted(set(found(result))) == sorted(places)


def test_other_meaning_or_none_for_butane(tmp_path: Path) -> None:
    text = (HEAD + "passwd: {users: [{name: !secret core}]}\nextends: base.bu\n").encode()
    result = transpile(text, TranspileOptions(files_dir=tmp_path, butane_paths=True))
    assert '"name":"core"' in result.json
    assert [one.message for one in result.problems] == ["unused key extends"]
    assert transpile(text, TranspileOptions(lints=False)).json == result.json


def test_later_problems_of_the_result_have_the_file_too(tmp_path: Path) -> None:
    result = composed(tmp_path, "extends: base.bu\n", base=HEAD + "storage: {files: [{path: /a}]}\n")
    problem = Position(3, 19, str(tmp_path / "base.bu"))
    (finding,) = result.findings_of_config([_problem()])
    assert (finding.at, finding.source) == (problem, str(tmp_path / "base.bu"))


def _problem() -> Any:
    from provision.config.problems import Problem

    return Problem(("storage", "files", 0), "x")


def test_a_secret_is_in_no_message_and_no_excerpt(tmp_path: Path) -> None:
    values = Values(secrets={"name": "correct horse battery", "two": "first line\nsecond line"})
    text = (
        HEAD + "passwd: {users: [{name: !secret name}]}\nsystemd: {units: [{name: a.service, contents: !secret two}]}\n"
    )
    text += "storage: {files: [{path: !secret name, mode: !secret name}]}\n"
    result = composed(tmp_path, text, values=values)
    shown = result.render() + result.error + repr(result.problems)
    assert result.failed
    assert not any(word in shown for word in ("correct", "horse", "first", "second line"))
    assert "!secret name" in shown


def test_secrets_that_are_not_known_give_no_warnings(tmp_path: Path) -> None:
    text = HEAD + "passwd: {users: [{name: core, password_hash: !secret core}]}\n"
    assert composed(tmp_path, text, values=Values(without_secrets=True)).findings() == []
    others = composed(tmp_path, text + "x: 1\n", values=Values(without_secrets=True))
    assert [rule for _, rule in found(others)] == ["unused-key"]
    assert composed(tmp_path, text).failed


def test_a_format_has_places_in_its_lines_and_masks_its_text(tmp_path: Path) -> None:
    text = (
        HEAD + "systemd:\n  units:\n    - name: a.service\n      contents: !format |\n        [Servce]\n        X={x}\n"
    )
    result = composed(tmp_path, text, values=variables(x="1"))
    assert found(result) == [("main.bu:7:9", "unit-section")]
    text = HEAD + "storage: {files: [{path: a, contents: {inline: !format '{x} hunter2'}}]}\n"
    (line,) = {one.line for one in composed(tmp_path, text, values=variables(x="1")).findings()}
    assert line == "storage: {files: [{path: a, contents: {inline: !format **** ********}}]}"


def test_unused_variables_are_warnings(tmp_path: Path) -> None:
    result = composed(tmp_path, HEAD, values=variables(x="1"))
    assert [one.rule for one in result.findings()] == ["unused-variable"]
    assert not result.failed


def test_silencing_and_lints_hold_in_their_file(tmp_path: Path) -> None:
    part = "- {path: /etc/a, mode: 644}  # transpile: ignore=decimal-mode\n- {path: /etc/b, mode: 644}\n"
    result = composed(tmp_path, HEAD + "storage:\n  files: !include part.bu\n", part=part)
    assert found(result) == [("part.bu:2:24", "decimal-mode")]


def test_few_files_cannot_make_a_huge_tree(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        f"f{number}": f"[{', '.join([f'!include f{number + 1}.bu'] * 9)}]\n" for number in range(15)
    }
    result = composed(tmp_path, HEAD + "a: !include f0.bu\n", **files, f15="x\n")
    assert [one.message for one in result.problems] == [
        f"the config has more than {MAX_NODES} values with all its parts, which is the limit"
    ]
    long = variables(x="x" * (1 << 20))
    result = composed(tmp_path, HEAD + f"a: [{', '.join(['!var x'] * 40)}]\n", values=long)
    assert result.problems[0].message.startswith("the config is larger than 32 MiB")


@pytest.mark.parametrize(("nodes", "letters"), [(MAX_NODES, 4), (1, MAX_BYTES)])
def test_a_tree_of_exactly_the_maximum_size_is_accepted(nodes: int, letters: int) -> None:
    expander = TagsExpander(FilesDirectory(""), Values())
    expander.nodes, expander.letters = nodes - 1, letters - len("text")
    assert expander.expand(text_node("text"), ()).text == "text"
    with pytest.raises(YamlError, match="which is the limit"):
        expander.expand(text_node("text"), ())


def test_a_chain_of_files_ends(tmp_path: Path) -> None:
    files: dict[str, Any] = {f"f{number}": f"- !include f{number + 1}.bu\n" for number in range(30)}
    result = composed(tmp_path, HEAD + "a: !include f0.bu\n", **files)
    assert found(result) == [("f18.bu:1:3", "include")]


def test_a_file_is_a_regular_one_below_the_files_directory(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.bu")
    for name in ("pipe.bu", ".", "/etc/passwd", "a/../../b"):
        assert [rule for _, rule in found(composed(tmp_path, HEAD + f"a: !include {name}\n"))] == ["include"]
    without = transpile((HEAD + "a: !include x.bu\n").encode())
    assert "must be specified with -d" in without.problems[0].message


def test_a_link_cannot_lead_out_of_the_files_directory(tmp_path: Path) -> None:
    """Reports show lines of parts: a repository must not show the environment or the keys of the one who checks it."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (tmp_path / "secret").write_text("token: [hunter2\n")
    (folder / "out.bu").symlink_to("../secret")
    (folder / "folder").symlink_to("..")
    (folder / "process.bu").symlink_to("/proc/self/environ")
    for name in ("out.bu", "folder/secret", "process.bu"):
        for text in (f"a: !include {name}\n", f"extends: {name}\n"):
            result = composed(folder, HEAD + text)
            assert "leads out of the files directory" in result.problems[0].message
            assert "hunter2" not in result.render()
    (folder / "in.bu").symlink_to("part.bu")
    assert not composed(folder, HEAD + "storage:\n  files: !include in.bu\n", part="- path: /a\n").failed


def test_the_engine_names_the_file_of_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from provision.yaml_or_json import validate_text

    (tmp_path / "base.bu").write_text(HEAD + "storage: {files: [{path: /a, contents: {inline: !secret x}}]}\n")
    monkeypatch.setenv("TRANSPILE_SECRET_X", "hunter2")
    outcome = validate_text(b"extends: base.bu\n", "site.bu", str(tmp_path), lints=True)
    assert outcome.config is not None
    assert [one.file for one in outcome.locate([_problem()])] == [str(tmp_path / "base.bu")]
    user_data = validate_text(HEAD.encode() + b"passwd: {users: [{name: !secret x}]}\n", "user data")
    assert user_data.config is not None
    assert [one.name for one in user_data.config.passwd.users] == ["x"]
