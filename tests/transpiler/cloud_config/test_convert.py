"""`transpile convert` of a cloud-config."""

from __future__ import annotations

import json

from transpiler.convert.inputs import ConvertInput, ReadOptions, read_source
from transpiler.convert.targets import target

TEXT = b"""\
#cloud-config
write_files:
  # greets
  - path: /etc/motd
    content: hello from $private_ipv4
"""


def read(text: bytes = TEXT) -> ConvertInput:
    return read_source("a", text, ReadOptions(addresses={"private_ipv4": "10.0.0.5"}))


def written(form: str, text: bytes = TEXT) -> str:
    chosen = target(form)
    assert chosen is not None
    done = chosen(read(text), 0)
    assert not [one for one in done.losses if one.fatal]
    return done.text


def test_it_becomes_butane_yaml_with_its_comments() -> None:
    assert written("fcos").splitlines()[2:] == [
        "storage:",
        "  files:",
        "    # greets",
        "    - path: /etc/motd",
        "      overwrite: true",
        "      mode: 0644",
        "      contents:",
        "        inline: hello from 10.0.0.5",
    ]


def test_it_becomes_ignition_json_of_any_version() -> None:
    for form in ("", "3.0", "2.3"):
        (file,) = json.loads(written(form))["storage"]["files"]
        assert file["path"] == "/etc/motd"


def test_its_problems_have_places_in_the_text() -> None:
    source = read(b"#cloud-config\n\nruncmd: [ls]\nhostname: a\n")
    assert source.config is not None
    (finding,) = source.findings(source.problems)
    assert finding.place == "a:3:1"


def test_what_is_no_cloud_config_is_not_converted() -> None:
    assert read(b"#cloud-config\nhostname: [\n").config is None
