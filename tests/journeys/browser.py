"""A real browser in front of a node: how it is started, who logs in, and what no page may do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    WebSocket,
    sync_playwright,
)

from tests.faults.support import RunningNode, until

CHROMIUM = Path("/usr/bin/chromium")
CHINESE_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name is ever looked up, so what a page asks of others fails alike on every machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
LOCALES = {"zh-hans": "zh-CN", "en": "en-US"}
LAPTOP, PHONE = (1280, 800), (390, 844)
PATIENCE_MS = 15_000

TOTP_SECONDS = 30
# A code must still hold when it arrives.
TOTP_MARGIN_SECONDS = 3
_last_window: dict[str, int] = {}

LOG_IN_FIELDS = "input[name=username], input[name=login]"


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless. While it runs, this thread has an event loop: neither the ORM nor asyncio.run works."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def open_context(
    browser: Browser, base_url: str, *, language: str = "zh-hans", scheme: str = "light", size: tuple[int, int] = LAPTOP
) -> BrowserContext:
    """A fresh profile: no cookies, `language` as the browser's own, `scheme` light or dark, paths under `base_url`."""
    width, height = size
    context = browser.new_context(
        base_url=base_url,
        locale=LOCALES[language],
        timezone_id="Asia/Shanghai",
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": height},
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def log_in(page: Page, login: dict[str, Any]) -> None:
    """Ask for the site and answer what it asks for: name and password, then a code. Nothing to do where it asks nothing."""
    page.goto("/admin/")
    if asks_who(page):
        page.locator(LOG_IN_FIELDS).fill(login["username"])
        _fill_and_send(page, "input[name=password]", login["password"])
    if "/2fa/" in page.url:
        _fill_and_send(page, "input[name=code]", fresh_code(login))
    assert not asks_who(page), f"{login['username']} was not let in: {page.url}"
    assert "/2fa/" not in page.url, f"{login['username']}'s code was refused"


def asks_who(page: Page) -> bool:
    """Whether this page is the log-in."""
    return page.locator(LOG_IN_FIELDS).count() > 0 and page.locator("input[name=password]").count() > 0


def _fill_and_send(page: Page, field: str, text: str) -> None:
    page.locator(field).fill(text)
    with page.expect_navigation():
        page.locator(field).press("Enter")


def totp(secret: str, window: int) -> str:
    """The six digits of RFC 6238 (SHA-1) for a base32 secret and a number of 30 s windows since the epoch."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    digest = hmac.new(key, window.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def fresh_code(login: dict[str, Any]) -> str:
    """A code that this user has not used; waits for the next window where the present one is used or nearly over."""

    def window() -> int:
        now, spent = divmod(time.time(), TOTP_SECONDS)
        free = now > _last_window.get(login["username"], 0) and spent < TOTP_SECONDS - TOTP_MARGIN_SECONDS
        return int(now) if free else 0

    chosen = until(window, within=2 * TOTP_SECONDS, what="no fresh window")
    _last_window[login["username"]] = chosen
    return totp(login["totp_secret"], chosen)


def manage(node: RunningNode, *arguments: str) -> str:
    """What `python manage.py …` prints on this node; a failing command fails the test."""
    result = node.manage(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


class Guard:
    """Notes what no page may do: ask another host, fail in a script, miss a part of itself, meet a fault of the server."""

    def __init__(self, base_url: str) -> None:
        self.host = urlsplit(base_url).netloc
        self.requests: list[str] = []
        self.problems: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("page", lambda page: page.on("websocket", self._on_websocket))

    def _on_request(self, request: Request) -> None:
        self._judge(request.url)

    def _on_websocket(self, websocket: WebSocket) -> None:
        self._judge(websocket.url)

    def _judge(self, url: str) -> None:
        self.requests.append(url)
        parts = urlsplit(url)
        if parts.scheme != "blob" and parts.netloc != self.host:
            self.problems.append(f"asked another host: {url}")

    def _on_response(self, response: Response) -> None:
        # People and scripts may be refused; a style sheet, font or image that is not there is a mistake of the page.
        may_be_refused = response.request.resource_type in ("document", "fetch", "xhr")
        if response.status >= 500 or (response.status >= 400 and not may_be_refused):
            self.problems.append(f"{response.status} for {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        # The browser reports each refused answer here too; those are judged above.
        if message.type == "error" and not message.text.startswith("Failed to load resource: the server responded"):
            self.problems.append(f"console: {message.text}")

    def _on_error(self, error: WebError) -> None:
        self.problems.append(f"uncaught: {error.error}")
