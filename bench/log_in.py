"""A log-in to the site by HTTP alone."""

from __future__ import annotations

import http.cookiejar
import re
import time
import urllib.parse
import urllib.request
from typing import Any

from tests.journeys.browser import totp

STEP_SECONDS = 30
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def logged_in(demo: dict[str, Any], role: str) -> str:
    """The cookies of a fresh session of a demo log-in."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    login = demo["logins"][role]
    page = _read(browser.open(f"{demo['base_url']}/accounts/login/"))
    page = _submit(browser, page, {"login": login["username"], "password": login["password"]})
    if login["totp_secret"]:
        _submit(browser, page, {"code": totp(login["totp_secret"], int(time.time()) // STEP_SECONDS)})
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def _submit(browser: urllib.request.OpenerDirector, page: tuple[str, str], fields: dict[str, str]) -> tuple[str, str]:
    """Send a form to the address that it is shown at."""
    address, text = page
    token = _TOKEN.search(text)
    if token is None:
        raise RuntimeError(f"{address} shows no form")
    data = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode()
    request = urllib.request.Request(address, data, {"Referer": address})
    return _read(browser.open(request))


def _read(answer: Any) -> tuple[str, str]:
    return answer.url, answer.read().decode()
