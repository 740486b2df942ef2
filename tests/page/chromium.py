"""The page in Chromium, with mouse and keys: `make page-test`. It takes minutes, so no other run collects this file."""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
import time
import zlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright import sync_api as playwright

from transpiler import transpile

PAGE = Path(__file__).parents[2] / "dist" / "page"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-headless-shell", "google-chrome"))), None)
EXAMPLE = (Path(__file__).parents[2] / "page" / "first-config.bu").read_text()
SECONDS = 120_000
"""The longest wait for anything, in milliseconds. A busy machine needs long to start Pyodide."""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
expect = playwright.expect


TYPES = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".wasm": "application/wasm"}


class Handler(SimpleHTTPRequestHandler):
    """Serves the page, and writes down what was asked."""

    extensions_map = TYPES
    asked: ClassVar[list[str]] = []

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 # the name of the base class
        self.asked.append(format % arguments)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(PAGE))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


class Tab:
    """A tab with the page. It collects the requests, and what the console says."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.page.set_default_timeout(SECONDS)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(address)

    def status(self, text: str | re.Pattern[str]) -> None:
        """Wait until the status is this text."""
        expect(self.page.locator("#status")).to_have_text(text, timeout=SECONDS)

    def write(self, text: str) -> None:
        """Replace the config by keys. The editor indents new lines itself, so the text is inserted at once.

        The editor takes over what the browser has inserted a moment later, on a busy machine after seconds.
        """
        self.page.locator("#editor .cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        until = time.monotonic() + SECONDS / 1000
        while self.saved() != text:
            assert time.monotonic() < until, "the text did not come into the editor"
            self.page.wait_for_timeout(50)

    def text(self) -> str:
        """The config in the editor, as a link holds it."""
        self.page.get_by_role("button", name="Copy link").click()
        expect(self.page.locator("#link")).to_have_text("Copied", timeout=SECONDS)
        return self.saved()

    def saved(self) -> str:
        """The config that a reload would show, which is that in the editor."""
        kept: str = self.page.evaluate("sessionStorage.getItem('try-a-config')")
        return str(json.loads(kept)["text"])


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Tab]:
    opened = Tab(browser, address)
    opened.status("Valid, 1 warning")
    yield opened
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith((address, "blob:", "data:"))] == []
    opened.context.close()


def test_the_example_is_judged(tab: Tab) -> None:
    page = tab.page
    problem = page.locator("#problems button")
    expect(problem).to_contain_text("13:13")
    expect(problem).to_contain_text("write 0644")
    expect(page.locator("#editor .cm-lintRange-warning")).to_have_text("644")
    expect(page.locator("#output .cm-content")).to_contain_text('"path": "/etc/hostname"')
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == transpile(EXAMPLE.encode()).json


def test_mending_with_the_mouse_and_an_error_with_the_keys(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("button", name="Mend 1 problem").click()
    tab.status("Valid")
    assert tab.text() == EXAMPLE.replace("mode: 644", "mode: 0644")
    page.locator("#editor .cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("storag")
    page.keyboard.press("Escape")  # closes the offers
    page.keyboard.type(": {}")
    tab.status("Valid, 1 warning")
    expect(page.locator("#problems")).to_contain_text("storage")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: etc/x\n")
    tab.status("1 error")
    page.keyboard.press("Control+Home")
    page.keyboard.press("F8")
    expect(page.locator("#editor .cm-activeLine")).to_have_text("    - path: etc/x")
    expect(page.locator("#output")).to_have_text("There is no output while the config has errors.")


def test_completion(tab: Tab) -> None:
    tab.write("variant: fcos\nversion: 1.5.0\nstorage:\n  ")
    tab.page.keyboard.press("Control+Space")
    expect(tab.page.locator(".cm-tooltip-autocomplete")).to_contain_text("filesystems", timeout=SECONDS)
    tab.page.keyboard.type("direc")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("#editor .cm-content")).to_contain_text("directories:")


def test_the_machine(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("tab", name="Machine").click()
    expect(page.locator("#machine")).to_contain_text("hello.service")
    expect(page.locator("#machine")).to_contain_text("Size as user data")
    page.get_by_role("button", name="line 23").click()
    expect(page.locator("#editor .cm-activeLine")).to_contain_text("hello.service")


def test_the_plan(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("tab", name="Plan").click()
    expect(page.locator("#plan")).to_contain_text("write /etc/hostname (1204)", timeout=SECONDS)
    expect(page.locator("#plan")).to_contain_text("Nothing is fetched")
    page.locator("#plan").get_by_role("button", name="line 23").first.click()
    expect(page.locator("#editor .cm-activeLine")).to_contain_text("hello.service")
    disk = "storage: {disks: [{device: /dev/vda, partitions: [{label: data, size_mib: %d}]}]}"
    tab.write(f"variant: fcos\nversion: 1.5.0\n{disk % 1000}\n")
    expect(page.locator("#plan")).to_contain_text(
        "partition /dev/vda: create partition 1 'data' (1000 MiB)", timeout=SECONDS
    )
    expect(page.locator("#plan")).to_contain_text("Every disk is blank and has 1 TiB")
    tab.write(f"variant: fcos\nversion: 1.5.0\n{disk % 9_000_000}\n")
    expect(page.locator("#plan")).to_contain_text("there is no room for 18432000000 sectors", timeout=SECONDS)


def test_changes_and_a_link_that_holds_both_texts(tab: Tab, browser: Any, address: str) -> None:
    page = tab.page
    page.get_by_role("button", name="Keep version").click()
    expect(page.locator("#changes")).to_contain_text("This is the version that you kept")
    tab.write(EXAMPLE.replace("web-1\n", "web-2\n").replace("mode: 644", "mode: 0600"))
    expect(page.get_by_role("tab", name="Changes (1)")).to_be_visible(timeout=SECONDS)
    expect(page.locator("#changes")).to_contain_text("mode: 01204 -> 0600")
    expect(page.locator("#changes .cm-deletedChunk")).to_contain_text(["mode: 644"])
    text = tab.text()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{address}#1")
    other = Tab(browser, link)
    other.status("Valid")
    other.page.get_by_role("tab", name="Changes (1)").click()
    expect(other.page.locator("#changes")).to_contain_text("mode: 01204 -> 0600")
    assert other.text() == text
    other.context.close()
    assert not any("#" in line for line in Handler.asked)


def test_a_reload_keeps_the_text(tab: Tab) -> None:
    tab.write("variant: flatcar\nversion: 1.1.0\n")
    tab.status("Valid")
    tab.page.reload()
    tab.status("Valid")
    assert tab.text() == "variant: flatcar\nversion: 1.1.0\n"


def fragment_of(content: object) -> str:
    """The fragment of a link that holds this content."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = packed.compress(json.dumps(content).encode()) + packed.flush()
    return "#1" + base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "fragment",
    ["#1", "#1AAAA", "#1!!!", fragment_of({"text": ["a"]}), fragment_of({"text": "a" * (1 << 26)})],
    ids=["empty", "short", "characters", "no text", "bomb"],
)
def test_a_damaged_link(browser: Any, address: str, fragment: str) -> None:
    opened = Tab(browser, address + fragment)
    expect(opened.page.get_by_role("alert")).to_have_text("The link is damaged: its text cannot be read.")
    opened.status("Valid, 1 warning")
    opened.context.close()


@pytest.mark.parametrize(
    "text",
    ["[" * 3000 + "]" * 3000, "{a: " * 3000 + "}" * 3000, "- " * 5000 + "x", "[" * 100_000],
    ids=["brackets", "braces", "dashes", "open"],
)
def test_deep_nesting_does_not_end_the_page(browser: Any, address: str, text: str) -> None:
    """The stack of the interpreter may be too small, also when it frees the tree. Then a new worker goes on."""
    tab = Tab(browser, address)
    tab.status("Valid, 1 warning")
    tab.write("variant: fcos\nversion: 1.5.0\n")
    tab.status("Valid")
    tab.write(f"variant: fcos\nversion: 1.5.0\nstorage: {text}\n" if text[0] != "-" else text)
    tab.status(re.compile("error|warning"))
    tab.write("variant: fcos\nversion: 1.5.0\n")
    tab.status("Valid")
    tab.context.close()


def test_a_link_with_html_holds_a_text(browser: Any, address: str) -> None:
    hostile = "</script><img src=x onerror=alert(1)><!--"
    config = f"variant: fcos\nversion: 1.5.0\n{hostile}: 1\n"
    link = fragment_of({"text": config, "kept": hostile, "__proto__": {"text": "x"}})
    opened = Tab(browser, address + link)
    opened.status("Valid, 1 warning")
    expect(opened.page.locator("#problems")).to_contain_text(hostile)
    opened.page.get_by_role("tab", name="Changes").click()
    expect(opened.page.locator("#changes")).to_contain_text("errors, so only the two texts are compared")
    assert opened.saved() == config
    assert opened.complaints == []
    assert opened.page.locator("img[src=x]").count() == 0
    opened.context.close()


def test_a_text_with_html_stays_a_text(tab: Tab) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    tab.write(f"variant: fcos\nversion: 1.5.0\n{hostile}: 1\nstorage: {{files: [{{path: '/{hostile}'}}]}}\n")
    tab.status("Valid, 1 warning")
    tab.page.get_by_role("tab", name="Machine").click()
    expect(tab.page.locator("#machine")).to_contain_text(hostile)
    expect(tab.page.locator("#problems")).to_contain_text(hostile)


def test_nothing_can_be_sent_elsewhere(browser: Any, address: str) -> None:
    opened = Tab(browser, address)
    opened.status("Valid, 1 warning")
    send = "fetch('http://localhost:9/').then(() => 'sent', (error) => String(error))"
    seen: list[str] = []
    opened.context.on("request", lambda request: seen.append(request.url))
    for side in (opened.page, opened.page.workers[0]):
        assert "Failed to fetch" in side.evaluate(send)
    assert "Content Security Policy" in " ".join(opened.complaints)
    assert seen == []
    opened.context.close()


def test_keys_alone(tab: Tab) -> None:
    page = tab.page
    page.locator("#editor .cm-content").focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")  # leaves the editor
    expect(page.locator("#mend")).to_be_focused()
    page.keyboard.press("Enter")
    tab.status("Valid")
    page.get_by_role("tab", name="Ignition JSON").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Machine")).to_be_focused()
    expect(page.locator("#machine")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#changes")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 800, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_layouts(browser: Any, address: str, width: int, scheme: str) -> None:
    opened = Tab(browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    expect(opened.page.locator("#editor .cm-content")).to_contain_text("variant: fcos")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.page.evaluate("((tabs) => tabs.scrollWidth <= tabs.clientWidth)(document.querySelector('.tabs'))")
    light = opened.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every((one) => one > 128)"
    )
    assert light == (scheme == "light")
    opened.context.close()
