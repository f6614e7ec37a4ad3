"""The node that numbers are planted in, and its visitors: every request and every answer is kept."""

from __future__ import annotations

import http.client
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from django.urls import URLPattern, URLResolver, get_resolver

from tests.faults.support import Answer, RunningNode
from tests.journeys.browser import fresh_code
from tests.leaks.marks import LINES, Mark, of_line
from tests.optout.receiver import Receiver
from tests.optout.support import signed

Files = Mapping[str, tuple[str, bytes]]
FORM = "application/x-www-form-urlencoded"


class Heard(NamedTuple):
    """One answer: to which door, request and route, and the marks that it may show."""

    door: str
    method: str
    path: str
    status: int
    octets: bytes
    shown: frozenset[Mark]

    @property
    def place(self) -> str:
        return f"the answer {self.status} to {self.method} {self.path} ({self.door})"


class Told(Answer):
    """An answer with all its header fields, since several may set a cookie."""

    def __init__(self, status: int, fields: list[tuple[str, str]], body: bytes) -> None:
        super().__init__(status, dict(fields), body)
        self.fields = fields


def exchange(method: str, base: str, path: str, body: bytes, headers: dict[str, str]) -> Told:
    """One request on a connection of its own. Header values may hold any character, in UTF-8."""
    parts = urlsplit(base)
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as connection:
        given = {name: value.encode() for name, value in headers.items()}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        return Told(answer.status, answer.getheaders(), answer.read())


class Stage:
    """A node, whom was planted by which door, and what it answered."""

    def __init__(self, node: RunningNode, folder: Path, receiver: Receiver) -> None:
        self.node, self.folder, self.receiver = node, folder, receiver
        self.secrets = json.loads((node.data_dir / "secrets.json").read_text())
        self.planted: dict[Mark, str] = {}
        self.heard: list[Heard] = []
        self.commands: set[str] = set()
        self.door = ""
        # What the node left behind, by place.
        self.left: list[tuple[str, bytes]] = []
        self._lines = {line: of_line(line) for line in LINES}
        self._sites: dict[str, Site] = {}
        self._keys: dict[str, str] = {"": node.demo["api_key"]}

    def person(self, line: str = "mobile") -> Mark:
        """Somebody nobody has heard of."""
        mark = next(self._lines[line])
        self.planted[mark] = self.door
        return mark

    def everybody(self) -> list[Mark]:
        """One of each kind of line."""
        return [self.person(line) for line in self._lines]

    def routes(self) -> list[str]:
        """Every path that the web process knows, as Django spells it."""
        return list(_routes(get_resolver().url_patterns))

    def ask(self, method: str, path: str, body: Any = b"", *, key: str | None = "", decisions: bool = False,
            shown: tuple[Mark, ...] = (), **headers: str) -> Told:  # fmt: skip
        """One request of a program. `key`: of which client (the demo's carrier), None: of nobody."""
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        base = self.node.demo["decisions_url" if decisions else "base_url"]
        given = {"Authorization": f"Bearer {self.key_of(key)}"} if key is not None else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.hear(method, base, path, body, given, shown=shown)

    def hear(self, method: str, base: str, path: str, body: bytes, headers: dict[str, str], *,
             shown: tuple[Mark, ...] = ()) -> Told:  # fmt: skip
        """Send and keep what came back."""
        answer = exchange(method, base, path, body, headers)
        octets = "\n".join(f"{name}: {value}" for name, value in answer.fields).encode() + b"\n\n" + answer.body
        self.heard.append(Heard(self.door, method, path, answer.status, octets, frozenset(shown)))
        return answer

    def reply(self, sender: str, port: str, text: str = "TD", message_id: str = "") -> Told:
        """One reply by the webhook, as a provider delivers it."""
        item = {"id": message_id or uuid.uuid4().hex, "from": sender, "to": port, "text": text}
        body = json.dumps(item, ensure_ascii=False).encode()
        signature = signed(body, self.node.demo["webhooks"]["generic"]["secret"])
        return self.ask("POST", "/v1/inbound/generic", body, key=None, X_Signature=signature)

    def key_of(self, client: str) -> str:
        """An API key of a client, fresh from the console the first time."""
        if client not in self._keys:
            issued = self.manage("issue_api_key", client, "--scope", "applications")
            self._keys[client] = issued.strip()
        return self._keys[client]

    def manage(self, command: str, *arguments: str, text: str = "", fails: bool = False) -> str:
        """A command in another shell; what it says is heard as any answer is."""
        done = self.node.manage(command, *arguments, text=text)
        assert fails or done.returncode == 0, (command, done.stdout, done.stderr)
        self.commands.add(command)
        octets = (done.stdout + done.stderr).encode()
        self.heard.append(Heard(self.door, "manage.py", command, done.returncode, octets, frozenset()))
        return done.stdout

    def site(self, role: str) -> Site:
        """The browser of one of the demo's people, logged in."""
        if role not in self._sites:
            self._sites[role] = Site(self)
            self._sites[role].log_in(self.node.demo["logins"][role])
        return self._sites[role]

    def stranger(self) -> Site:
        return Site(self)

    def hear_file(self, name: str) -> None:
        """What a command wrote for whoever called it."""
        self.heard.append(Heard(self.door, "file", name, 0, (self.folder / name).read_bytes(), frozenset()))

    def file(self, name: str, content: bytes) -> str:
        """A file of somebody who uses a command; not the node's."""
        path = self.folder / name
        path.write_bytes(content)
        return str(path)


class Site:
    """A browser: cookies, forms with their token, files."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._cookies: dict[str, str] = {}

    def get(self, path: str, *, shown: tuple[Mark, ...] = (), **headers: str) -> Told:
        return self._send("GET", path, b"", headers, shown)

    def post(self, path: str, fields: Mapping[str, Any], files: Files | None = None, *, shown: tuple[Mark, ...] = ()) -> Told:  # fmt: skip
        """A form; `shown` may come back in it for whoever typed it."""
        if "csrftoken" not in self._cookies:
            self.get("/accounts/login/")
        given = {"csrfmiddlewaretoken": self._cookies["csrftoken"], **fields}
        if files is None:
            return self._send("POST", path, urlencode(given, doseq=True).encode(), {"Content-Type": FORM}, shown)
        boundary = uuid.uuid4().hex
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._send("POST", path, b"".join(_parts(given, files, boundary)), kind, shown)

    def log_in(self, login: dict[str, Any]) -> None:
        self.post("/accounts/login/", {"login": login["username"], "password": login["password"]})
        if login["totp_secret"]:
            self.post("/accounts/2fa/authenticate/", {"code": fresh_code(login)})
        home = self.get("/admin/")
        assert home.status == 200, (login["username"], home.headers)

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str], shown: tuple[Mark, ...]) -> Told:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        given = {"Accept": "text/html", "Accept-Language": "en", "Cookie": cookies, **headers}
        answer = self._stage.hear(method, self._stage.node.demo["base_url"], path, body, given, shown=shown)
        for name, value in answer.fields:
            if name.lower() == "set-cookie":
                self._cookies |= {morsel.key: morsel.value for morsel in SimpleCookie(value).values()}
        return answer


def _routes(patterns: list[URLPattern | URLResolver], above: str = "") -> Iterator[str]:
    for pattern in patterns:
        path = above + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, path)
        else:
            yield path


def _parts(fields: Mapping[str, Any], files: Files, boundary: str) -> Iterator[bytes]:
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            yield f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{one}\r\n'.encode()
    for name, (file, content) in files.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        yield head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def pk_of(answer: Told) -> int:
    """The row that an answer leads on to."""
    found = re.search(r"/(\d+)/", urlsplit(answer.headers.get("location", "")).path)
    assert found, (answer.status, answer.body[-3000:].decode(errors="replace"))
    return int(found[1])
