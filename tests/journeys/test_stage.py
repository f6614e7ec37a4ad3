"""The stage itself: what fails a journey, and how it logs in."""

import os
import struct
import subprocess
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import groupby
from threading import Thread

import pytest

from config.env import PROJECT
from docs.screenshots import PAGES, address, take
from tests.journeys import browser
from tests.journeys.browser import Guard, asks_who, fresh_code, log_in, manage, open_context, totp
from tests.untested import not_tested

# RFC 6238, appendix B, cut to six digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
LOGIN = {"username": "lin", "password": "correct", "totp_secret": RFC_SECRET}


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (2000000000, "279037")])
def test_codes_are_those_of_the_standard(seconds, code):
    assert totp(RFC_SECRET, seconds // 30) == code


def test_a_code_is_used_once_and_never_in_the_last_moments_of_its_window(monkeypatch):
    clock = iter([30_000.0, 30_010.0, 30_028.0, 30_031.0])
    monkeypatch.setattr(browser.time, "time", lambda: next(clock))
    monkeypatch.setattr(browser, "_last_window", {})
    assert fresh_code(LOGIN) == totp(RFC_SECRET, 1000)
    assert fresh_code(LOGIN) == totp(RFC_SECRET, 1001)


FORMS = {
    "/admin/": '<form method=post action="/admin/login/"><input name=username><input name=password type=password>'
    "<button>Log in</button></form>",
    "/accounts/login/": '<form method=post action="/accounts/login/"><input name=login>'
    "<input name=password type=password><button type=button>Passkey</button><button>登录</button></form>",
    "/accounts/2fa/authenticate/": '<form method=post action="/accounts/2fa/authenticate/"><input name=code>'
    "<button>Sign in</button></form>",
    "/inside/": "<h1>Inside</h1>",
}


class Door(BaseHTTPRequestHandler):
    """Log-in pages of two makes: one form, or a form, then a code."""

    # path asked or posted to → where it leads; set by each test.
    leads: dict[str, str] = {}
    posted: list[str] = []

    def do_GET(self) -> None:
        if self.path in self.leads:
            self._lead_on(self.leads[self.path])
            return
        body = FORMS[self.path].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.posted.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._lead_on(self.leads["after " + self.path])

    def _lead_on(self, path: str) -> None:
        self.send_response(302)
        self.send_header("Location", path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def door(chromium, monkeypatch):
    """A page in front of a `Door`."""
    monkeypatch.setattr(Door, "posted", [])
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        context = open_context(chromium, f"http://127.0.0.1:{server.server_port}")
        yield context.new_page()
        context.close()
        server.shutdown()
        thread.join()


def test_one_form_is_filled(door, monkeypatch):
    monkeypatch.setattr(Door, "leads", {"after /admin/login/": "/inside/"})
    log_in(door, LOGIN)
    assert Door.posted == ["username=lin&password=correct"]


def test_a_form_and_then_a_code_are_filled(door, monkeypatch):
    monkeypatch.setattr(
        Door,
        "leads",
        {
            "/admin/": "/accounts/login/",
            "after /accounts/login/": "/accounts/2fa/authenticate/",
            "after /accounts/2fa/authenticate/": "/inside/",
        },
    )
    log_in(door, LOGIN)
    assert Door.posted[0] == "login=lin&password=correct"
    assert Door.posted[1] in {f"code={totp(RFC_SECRET, int(time.time() // 30) - ago)}" for ago in (0, 1)}


def test_who_is_not_let_in_is_named(door, monkeypatch):
    monkeypatch.setattr(Door, "leads", {"after /admin/login/": "/admin/"})
    with pytest.raises(AssertionError, match="lin was not let in"):
        log_in(door, LOGIN)


def test_a_role_logs_in_once_for_all_its_pages(page_of):
    page_of("regulator").context.close()
    assert not asks_who(page_of("regulator"))


def test_a_stranger_has_no_log_in(page_of):
    page_of("regulator")
    stranger = page_of()
    stranger.goto("/admin/")
    assert asks_who(stranger)


def test_a_command_runs_on_the_node_of_the_journeys(node):
    assert "are what the ledger says" in manage(node, "verify_state")


def test_a_command_that_fails_is_no_answer(node):
    with pytest.raises(AssertionError, match="nobody"):
        manage(node, "issue_api_key", "nobody")


MISTAKES = {
    "<script>fetch('http://elsewhere.example/')</script>": "asked another host: http://elsewhere.example/",
    "<script>new WebSocket('ws://elsewhere.example/')</script>": "asked another host: ws://elsewhere.example/",
    "<img src=http://elsewhere.example/pixel.gif>": "asked another host: http://elsewhere.example/pixel.gif",
    "<script>throw new Error('broken')</script>": "uncaught: broken",
    "<script>console.error('complaint')</script>": "console: complaint",
    "<img src=/static/missing.png>": "404 for ",
    "<link rel=stylesheet href=/static/missing.css>": "console: Refused to apply style",
}


@pytest.mark.parametrize("html", MISTAKES)
def test_the_guard_notes_what_no_page_may_do(chromium, node, html):
    guard = Guard(node.demo["base_url"])
    context = open_context(chromium, node.demo["base_url"])
    guard.watch(context)
    page = context.new_page()
    page.goto("/health/live")
    page.set_content(html, wait_until="networkidle")
    context.close()
    assert any(problem.startswith(MISTAKES[html]) for problem in guard.problems), guard.problems


def test_the_guard_allows_refusals_and_what_a_page_carries_in_itself(chromium, node):
    guard = Guard(node.demo["base_url"])
    context = open_context(chromium, node.demo["base_url"])
    guard.watch(context)
    page = context.new_page()
    page.goto("/nowhere")
    page.evaluate("fetch('/v1/ledger/entries')")
    page.evaluate("fetch(URL.createObjectURL(new Blob(['hello'])))")
    context.close()
    assert guard.problems == []
    assert [url.split(":")[0] for url in guard.requests] == ["http", "http", "blob"]


def test_pictures_are_taken_in_every_language_and_scheme(chromium, node, tmp_path):
    saved = take(chromium, node, [("home", "regulator", "/admin/"), ("log-in", None, "/admin/")], tmp_path)
    names = [f"{name}.{language}.{scheme}.png" for name in ("home", "log-in") for language in ("zh-hans", "en")
             for scheme in ("light", "dark")]  # fmt: skip
    assert [path.name for path in saved] == names
    for path in saved:
        assert struct.unpack(">II", path.read_bytes()[16:24]) == browser.LAPTOP


def test_no_picture_is_taken_of_a_page_that_is_not_there(chromium, node, tmp_path):
    with pytest.raises(AssertionError, match="a stranger is not shown /nowhere: 404"):
        take(chromium, node, [("nowhere", None, "/nowhere")], tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_page_of_the_pictures_is_shown(page_of, node):
    for role, pages in groupby(PAGES, key=lambda page: page[1]):
        page = page_of(role)
        for name, _, path in pages:
            answer = page.goto(address(node, path))
            assert (answer.status, asks_who(page)) == (200, name == "log-in"), path


# Stands in for apt-get: notes its words; fails until the lists are fetched, if they ever are.
APT = """#!/bin/sh
echo "$1" >> "$HERE/calls"
[ "$1" = update ] && { $ONLINE && touch "$HERE/lists"; exit 0; }
[ -e "$HERE/lists" ] && install -m 755 /dev/null "$HERE/chromium" && exit 0
echo "E: Unable to locate package chromium" >&2
exit 100
"""


@pytest.fixture
def install(tmp_path):
    """Runs install.sh against that apt-get and a browser that is not there yet; as root, since `id` says so."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in (("apt-get", APT), ("id", "#!/bin/sh\necho ${USER_ID:-0}\n")):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    script = (PROJECT / "tests/journeys/install.sh").read_text()
    script = script.replace(f"CHROMIUM={browser.CHROMIUM}\n", f"CHROMIUM={tmp_path}/chromium\n")
    script = script.replace(f"CHINESE_FONT={browser.CHINESE_FONT}\n", f"CHINESE_FONT={tools}\n")

    def run(**settings: str):
        environ = {"PATH": f"{tools}:{os.environ['PATH']}", "HERE": str(tmp_path), "ONLINE": "true", **settings}
        result = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, text=True, check=True)
        calls = tmp_path / "calls"
        return calls.read_text().split() if calls.exists() else [], result.stderr

    return run


def test_the_browser_is_installed_once_and_lists_are_fetched_only_when_needed(install):
    assert install() == (["install", "update", "install"], "")
    assert install() == (["install", "update", "install"], "")


def test_without_a_network_the_journeys_are_named_as_not_tested(install):
    calls, said = install(ONLINE="false")
    assert calls == ["install", "update", "install"]
    assert "Unable to locate package chromium" in said
    assert "The browser journeys are not tested." in said


def test_only_root_installs(install):
    calls, said = install(USER_ID="1000")
    assert calls == []
    assert "only root can install" in said


def test_what_cannot_be_tried_is_said_and_fails_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="NOT TESTED"):
        not_tested("no browser")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="NOT TESTED, in CI"):
        not_tested("no browser")
