"""Files with secrets that everyone may read."""

from __future__ import annotations

import pytest

from tests.transpiler.lint.content.test_files import of_file
from transpiler.composition.values import Values
from transpiler.phases import transpile
from transpiler.translation_state import TranspileOptions

TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/a", f"GITHUB_TOKEN={TOKEN}"),
        ("/etc/a", f"#!/bin/sh\ncurl -H 'Authorization: token {TOKEN}' https://api.example.com"),
        ("/etc/a", "USER=x\nDB_PASSWORD=hunter22"),
        ("/etc/a", '  "password": "hunter22",'),
        ("/etc/a", "aws_secret_access_key: wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"),
        ("/root/.docker/config.json", '{"auths": {"quay.io": {"auth": "dXNlcjpwYXNzd29yZA=="}}}'),
    ],
)
def test_a_secret_that_everyone_may_read(path: str, text: str) -> None:
    assert of_file(path, text, "0644") == ["6:exposed-secret"]
    assert of_file(path, text, "0640") == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/a", "password_file: /etc/x/password\nPASS_MAX_DAYS=99999\npassword: $PASSWORD"),
        ("/etc/a", "token_port: 808080\nTOKEN_SERVER_PORT=808080\nsecret: name-of-a-secret"),
        ("/etc/a", "password: {{ .Password }}\npassword: <yours>\npassword=${DB_PASSWORD}"),
        ("/etc/a", "#!/bin/sh\npassword=unknown1"),
        ("/etc/nsswitch.conf", "passwd: altfiles"),
        ("/etc/containers/systemd/a.container", "[Container]\nImage=a\nSecret=name-of-a-secret-2026"),
    ],
)
def test_what_is_no_secret(path: str, text: str) -> None:
    assert "exposed-secret" not in " ".join(of_file(path, text, "0644"))


def test_a_value_of_a_tag_for_secrets() -> None:
    text = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: /etc/a\n      mode: 0644\n"
    text += "      contents:\n        inline: !secret a\n"
    values = Values(without_secrets=True)
    for mode, found in (("0644", ["exposed-secret"]), ("0600", [])):
        result = transpile(text.replace("0644", mode).encode(), TranspileOptions(values=values))
        assert [one.rule for one in result.findings()] == found
