"""`transpile diff` as git's text conversion and external program, and of two directories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from transpiler.commands.diff import diff

ROOT = Path(__file__).parents[3]
HEAD = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n"
SITE = HEAD + '    - {path: /etc/a, contents: {inline: "host: HOST\\napikey: KEY\\n"}}\n'


def site(host: str, key: str) -> str:
    return SITE.replace("HOST", host).replace("KEY", key)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


@pytest.mark.slow  # it starts git and transpile several times
def test_git(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the commands of the guide, `git diff` and `git log -p` show what a machine will have, without secrets."""
    program = f"{sys.executable} -m transpiler diff"
    identity = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **identity, "PYTHONPATH": str(ROOT), "GIT_CONFIG_GLOBAL": "/dev/null"}

    def git(*arguments: str) -> str:
        argv = ["git", "--no-pager", *arguments]
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    git("init", "-q", "-b", "main")
    git("config", "diff.provision.textconv", f"{program} --textconv --")
    (folder / ".gitattributes").write_text("*.bu diff=provision\n")
    (folder / "configs").mkdir()
    (folder / "configs/-a b.bu").write_text(site("one", "first"))
    git("add", ".")
    git("commit", "-qm", "a")
    (folder / "configs/-a b.bu").write_text("# a comment\n" + site("two", "second"))
    shown = git("diff")
    changed = "     contents:\n-        host: one\n+        host: two\n         apikey: (not shown)\n"
    assert shown.endswith(f" storage.files[/etc/a]\n{changed}")
    git("commit", "-qam", "b")
    assert changed in git("log", "-p")

    git("worktree", "add", "--quiet", "--detach", "../base", "main~")
    assert diff(["--markdown", "../base", "."]) == 0
    assert "\n**`configs/-a b.bu`**: 1 changed\n" in capsys.readouterr().out

    git("config", "diff.provision.command", f"{program} --git --")
    (folder / "configs/-a b.bu").write_text(site("two", "third"))
    lines = ["=== configs/-a b.bu", "~ storage.files[/etc/a]", "    contents:", "        @@ -1,2 +1,2 @@"]
    lines += ["         host: two", "        ~apikey: (value changed, not shown)"]
    assert git("diff").splitlines() == lines
    (folder / "configs/-a b.bu").write_text(site("two", "third").replace("/etc/a", "a"))
    assert git("diff").splitlines()[:2] == ["=== configs/-a b.bu", "the new text has errors:"]
    (folder / "configs/-a b.bu").unlink()
    assert git("diff").splitlines() == ["=== configs/-a b.bu (removed)", "- storage.files[/etc/a]"]


def test_local_files_of_old_texts_are_beside_the_config(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Git writes the old text to a temporary file in another directory."""
    (folder / "configs").mkdir()
    (folder / "configs/words").write_text("hello\n")
    (folder / "tmp").mkdir()
    (folder / "tmp/old.bu").write_text(HEAD + "    - path: /a\n      contents: {local: words}\n")
    (folder / "configs/site.bu").write_text(HEAD + "    - path: /b\n      contents: {local: words}\n")
    assert diff(["--git", "configs/site.bu", "tmp/old.bu", "0", "0", "configs/site.bu", "0", "0"]) == 0
    assert (
        capsys.readouterr().out
        == "=== configs/site.bu\n+ storage.files[/b]\n    contents: hello\n- storage.files[/a]\n"
    )


def test_a_file_with_a_new_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each side has its local files beside its name."""
    for name in ("old", "new"):
        (folder / name).mkdir()
        (folder / name / "words").write_text(f"{name}\n")
        (folder / name / f"{name}.bu").write_text(HEAD + "    - path: /a\n      contents: {local: words}\n")
    arguments = ["old/old.bu", "old/old.bu", "0", "0", "new/new.bu", "0", "0", "new/new.bu", "similarity index 99%"]
    assert diff(["--git", "--", *arguments]) == 0
    shown = "=== old/old.bu -> new/new.bu\n~ storage.files[/a]\n    contents: old -> new\n"
    assert capsys.readouterr().out == shown


def test_wrong_settings_do_not_stop_git(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".transpile.toml").write_text("strict = 1\n")
    (folder / "a.bu").write_text(site("a", "b"))
    assert diff(["--textconv", "a.bu"]) == 0
    assert diff(["--git", "a.bu", "a.bu", "0", "0", "/dev/null", "0", "0"]) == 0
    assert capsys.readouterr().out == ".transpile.toml: strict is not true or false\n" * 2
    assert diff(["a.bu", "a.bu"]) == 2


def test_a_file_that_is_not_merged(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(["--git", "--", "site.bu"]) == 0
    assert capsys.readouterr().out == "=== site.bu\nit is not merged\n"


@pytest.fixture
def folders(folder: Path) -> Path:
    """Two directories with configs: one that is the same, one each that was changed, added, removed, and is wrong."""
    for side in ("old", "new"):
        (folder / side / "sub").mkdir(parents=True)
        (folder / side / "same.bu").write_text(HEAD + "    - path: /same\n")
        (folder / side / "words").write_text(f"{side}\n")
        (folder / side / "sub/local.bu").write_text(HEAD + "    - path: /l\n      contents: {local: words}\n")
        (folder / side / ".transpile.toml").write_text('files-dir = "."\n')
        (folder / side / f"{side}.bu").write_text(HEAD + f"    - path: /{side}\n")
    (folder / "new/wrong.bu").write_text(HEAD + "    - path: wrong\n")
    return folder


def test_directories(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(["old", "new"]) == 2
    told = capsys.readouterr()
    assert told.out == (
        "=== new.bu (new)\n+ storage.files[/new]\n"
        "=== old.bu (removed)\n- storage.files[/old]\n"
        "=== sub/local.bu\n~ storage.files[/l]\n    contents: old -> new\n"
    )
    assert told.err.startswith("wrong.bu:5:13: error: storage.files[0].path: path not absolute")
    (folders / "new/wrong.bu").unlink()
    assert diff(["old", "new"]) == 0
    assert diff(["--exit-code", "old", "new"]) == 1
    assert diff(["--exit-code", "old", "old"]) == 0


@pytest.mark.usefixtures("folders")
def test_a_comment_on_a_pull_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(["--markdown", "--exit-code", "old", "new"]) == 1
    assert capsys.readouterr().out == (
        "<!-- transpile diff -->\n### Changes on the machines\n"
        "\n**`new.bu`** (new): 1 added\n\n```diff\n+ storage.files[/new]\n```\n"
        "\n**`old.bu`** (removed): 1 removed\n\n```diff\n- storage.files[/old]\n```\n"
        "\n**`sub/local.bu`**: 1 changed\n\n```diff\n~ storage.files[/l]\n    contents: old -> new\n```\n"
        "\n**`wrong.bu`** cannot be compared:\n\n```\n"
        "wrong.bu:5:13: error: storage.files[0].path: path not absolute (hint: write /wrong) [relative-path]\n"
        "        - path: wrong\n                ^\n```\n"
    )
    assert diff(["--markdown", "--exit-code", "old", "old"]) == 0
    assert "None: the configs make the same machines as before." in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.bu"], "give two configs, or two directories"),
        (["a.bu", "b.bu", "c.bu"], "give two configs, or two directories"),
        ([".", "b.bu"], "one of the two is a directory"),
        (["-", "-"], "only one of the two can be standard input"),
        (["--textconv", "a.bu", "b.bu"], "--textconv takes one config"),
        (["--git", "a.bu", "b.bu"], "--git takes the arguments that git gives"),
        (["--git", "--markdown", "a.bu", "b.bu"], "not allowed with"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        diff(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_directories_without_configs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report of no changes would hide a wrong path."""
    (folder / "a").mkdir()
    assert diff(["--markdown", "a", "a"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "no config is below these directories\n")


def test_butane_in_the_form_of_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.bu").write_text('{"variant":"fcos","version":"1.5.0"}')
    (folder / "b.ign").write_text('{"ignition":{"version":"3.4.0"}}')
    assert diff(["--exit-code", "a.bu", "b.ign"]) == 0
    assert capsys.readouterr().err == ""
