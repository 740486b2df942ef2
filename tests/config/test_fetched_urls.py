"""URLs from unknown servers: no URL raises an error, and no secret in one is shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provision.config.resources.urls import is_url, redacted, scheme
from provision.fetch.platforms.metadata_services import is_metadata
from provision.kernel_command_line import config_arguments

secrets = st.text("abcdefgh0123456789%", min_size=4).map(lambda text: f"canary{text}")


@given(st.text())
def test_any_text_can_be_redacted_and_classified(text: str) -> None:
    assert isinstance(redacted(text), str)
    assert is_url(text) in {True, False}
    assert is_metadata(text) in {True, False}
    assert scheme(text) == scheme(text).lower()


@given(st.sampled_from(["http", "https", "s3", "tftp", "data"]), secrets, secrets, secrets)
def test_secrets_of_a_url_are_not_shown(kind: str, user: str, password: str, query: str) -> None:
    url = f"{kind}:,{user}" if kind == "data" else f"{kind}://{user}:{password}@host/path?{query}#{query}"
    assert "canary" not in redacted(url)


@given(st.lists(st.sampled_from(["ignition.config.url=", "ignition.config.url=http://a", "quiet", "=", "a=b=c", ""])))
def test_any_command_line_is_read(words: list[str]) -> None:
    urls = config_arguments(" ".join(words)).urls
    assert urls == ("http://a",) * words.count("ignition.config.url=http://a")
