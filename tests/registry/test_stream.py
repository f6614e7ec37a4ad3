"""Questions one a line, through the server as it runs: any number of lines, any client, memory that does not grow."""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.env import PROJECT
from registry.decisions.app import MOST_STREAMS
from registry.decisions.stream import MAX_LINE_BYTES, Lines
from registry.decisions.wire import read_lines
from registry.index.store import IndexFolder, IndexWriter
from registry.number_keys import NumberKeys
from registry.scope import mask
from registry.sightings import read, summed
from tests.registry.libraries import AGENT, BANK, PORT, fill, library_with

CARRIERS, AGENTS, REVOKED = "carriers-key", "agents-key", "revoked-key"
REFUSER, OTHER, CANARY = "15400000001", "15400000002", "15400000003"
MASTER = "5a" * 32
WITHIN = 20.0


class Served:
    """One decision process over an index that the test wrote."""

    def __init__(self, process: subprocess.Popen, port: int, generation: Path) -> None:
        self.process, self.port, self.generation = process, port, generation

    def opened(self, *, key: str = CARRIERS) -> socket.socket:
        """A connection whose request has begun; its body follows in chunks."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=WITHIN)
        head = "POST /v1/decisions/stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        connection.sendall(f"{head}Authorization: Bearer {key}\r\n\r\n".encode())
        return connection

    def answers(self, *lines: str | bytes, key: str = CARRIERS, end: bytes = b"\n") -> list[dict]:
        body = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + end
        status, text = self.posted("/v1/decisions/stream", body, key=key)
        assert status == 200, text
        return [json.loads(line) for line in text.splitlines()]

    def posted(self, path: str, body: bytes, *, key: str = CARRIERS) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=WITHIN)) as client:
            client.request("POST", path, body, {"Authorization": f"Bearer {key}"})
            answer = client.getresponse()
            return answer.status, answer.read()

    def memory(self) -> int:
        """Bytes that the process and its worker hold for themselves."""
        kibibytes = 0
        for pid in (self.process.pid, *map(int, children(self.process.pid))):
            status = Path(f"/proc/{pid}/status").read_text()
            kibibytes += int(status.partition("RssAnon:")[2].split()[0])
        return kibibytes * 1024


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@contextmanager
def serving(data_dir: Path, interface: str) -> Iterator[Served]:
    folder = IndexFolder(data_dir)
    generation = folder.new_generation()
    bits = mask(["collection"], ["sms"])
    keys = {CARRIERS: None, AGENTS: AGENT, REVOKED: None}
    library = library_with(suppressions={REFUSER: {BANK: bits}}, keys=keys, canaries={CANARY: 7})
    with closing(IndexWriter(generation)) as writer:
        fill(writer, library, number_keys=NumberKeys(bytes.fromhex(MASTER), "aes256"))
    folder.switch_to(generation)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {**os.environ, "DATA_DIR": str(data_dir), "MASTER_KEY": MASTER}
    words = ["--interface", interface, "--no-ws", "--log-level", "warning", "--port", str(port)]
    command = [sys.executable, "-m", "granian", *words, "config.decisions:application"]
    process = subprocess.Popen(command, cwd=PROJECT, env=environ)
    try:
        served = Served(process, port, generation)
        until(lambda: reachable(port))
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WITHIN)


def reachable(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def until(happened, *, within: float = WITHIN) -> None:
    deadline = time.monotonic() + within
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module", params=["rsgi", "asgi"])
def served(request, tmp_path_factory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp(request.param), request.param) as running:
        yield running


def question(recipient: str = OTHER, **more) -> str:
    return json.dumps({"sender": PORT, "recipient": recipient, "purpose": "collection"} | more)


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_each_line_is_answered_as_one_question(served):
    *answers, last = served.answers(question(REFUSER), question(OTHER), question("nobody"), question(sender="95588"))
    assert answers == [
        {"decision": "deny", "reason": "recipient_opted_out"},
        {"decision": "allow", "reason": "ok"},
        {"decision": "deny", "reason": "invalid_recipient"},
        {"decision": "deny", "reason": "sender_not_listed"},
    ]
    assert set(last.pop("as_of")) == {"seq", "age_ms", "stale"}
    assert last == {"decided": 4, "refused": 0}


def test_a_line_that_is_no_question_is_refused_alone(served):
    lines = (
        "{", question(), '{"sender":1}', question(at="2020-01-01T00:00:00Z"), question(x=1), b"\xff",
        question(signature="x" * MAX_LINE_BYTES), "", "  ", '{"sender":"1",', '"recipient":"2"}', question(REFUSER),
    )  # fmt: skip
    *answers, last = served.answers(*lines, end=b"")
    assert answers == [
        {"code": "invalid_json"},
        {"decision": "allow", "reason": "ok"},
        {"code": "invalid_request", "pointer": "/sender"},
        {"code": "invalid_request", "pointer": "/at"},
        {"code": "invalid_request", "pointer": "/x"},
        {"code": "invalid_json"},
        {"code": "too_large"},
        {"code": "invalid_json"},
        {"code": "invalid_json"},
        {"decision": "deny", "reason": "recipient_opted_out"},
    ]
    assert (last["decided"], last["refused"]) == (2, 8)


def test_an_institution_is_refused_each_line_about_anothers_number(served):
    *answers, _ = served.answers(question(), question(sender="95588"), key=AGENTS)
    assert answers == [{"code": "forbidden"}, {"decision": "deny", "reason": "sender_not_listed"}]


def test_a_stranger_is_refused_before_anything_is_answered(served):
    status, body = served.posted("/v1/decisions/stream", question().encode(), key="none")
    assert (status, json.loads(body)["code"]) == (401, "unauthenticated")


def test_no_line_at_all_is_answered_by_the_last_line_alone(served):
    (last,) = served.answers(end=b"")
    assert (last["decided"], last["refused"]) == (0, 0)


def test_answers_come_while_questions_go_on(served):
    with served.opened() as connection, connection.makefile("rb") as answer:
        for person, reason in ((OTHER, b"ok"), (REFUSER, b"recipient_opted_out")):
            connection.sendall(chunk(question(person).encode() + b"\n"))
            while reason not in (line := answer.readline()):
                assert line
        connection.sendall(b"0\r\n\r\n")
        assert b'"decided":2' in answer.read()


def test_a_stream_ends_when_its_key_is_revoked(served):
    with served.opened(key=REVOKED) as connection, closing(http.client.HTTPResponse(connection)) as answer:
        connection.sendall(chunk(question().encode() + b"\n"))
        answer.begin()
        assert answer.readline() == b'{"decision":"allow","reason":"ok"}\n'
        with closing(IndexWriter(served.generation)) as writer, writer.write() as txn:
            txn.delete(hashlib.sha256(REVOKED.encode()).digest(), db=writer.tables.keys)
            as_of = writer.as_of_in(txn)
            writer.put_as_of(txn, as_of._replace(seq=as_of.seq + 1, library=as_of.seq + 1))
        until(lambda: served.posted("/v1/decisions", question().encode(), key=REVOKED)[0] == 401)
        connection.sendall(chunk(question().encode() + b"\n"))
        # The answer ends, though the client could send more.
        assert answer.read() == b'{"code":"unauthenticated","decided":1,"refused":0}\n'


def test_a_reader_that_is_slow_is_waited_for_in_memory_that_does_not_grow(served):
    lines = chunk((question() + "\n").encode() * 1_000)
    before = served.memory()
    with served.opened() as connection:
        connection.settimeout(1.0)
        with pytest.raises(TimeoutError):
            # A hundred megabytes, which no buffers hold.
            connection.sendall(lines * 1_000)
        assert served.memory() - before < 24 * 2**20
        assert served.posted("/v1/decisions", question().encode())[0] == 200


def test_many_lines_are_answered_in_memory_that_does_not_grow(served):
    lines, times = chunk((question() + "\n").encode() * 1_000), 300
    served.answers(question())
    before, grown = served.memory(), []

    def send() -> None:
        for _ in range(times):
            connection.sendall(lines)
            grown.append(served.memory() - before)
        connection.sendall(b"0\r\n\r\n")

    with served.opened() as connection, closing(http.client.HTTPResponse(connection)) as answer:
        sender = threading.Thread(target=send)
        sender.start()
        answer.begin()
        told = answer.read()
        sender.join()
    assert told.count(b'{"decision":"allow","reason":"ok"}\n') == times * 1_000
    assert b'"decided":300000,"refused":0' in told
    assert max(grown) < 24 * 2**20


def test_clients_that_go_leave_room_for_others(served):
    for turn in range(MOST_STREAMS + 8):
        connection = served.opened()
        connection.sendall(chunk((question() + "\n").encode() * (1 + turn % 2 * 3_000)))
        connection.close()
    until(lambda: served.posted("/v1/decisions/stream", question().encode())[0] == 200)
    assert served.answers(question())[0]["decision"] == "allow"


def test_over_many_streams_at_a_time_another_is_refused(served):
    open_ones = []
    try:
        for _ in range(MOST_STREAMS):
            connection = served.opened()
            connection.sendall(chunk(question().encode() + b"\n"))
            assert connection.recv(64).startswith(b"HTTP/1.1 200")
            open_ones.append(connection)
        status, body = served.posted("/v1/decisions/stream", question().encode())
        assert (status, json.loads(body)["code"]) == (429, "too_many_requests")
    finally:
        for connection in open_ones:
            connection.close()
    until(lambda: served.posted("/v1/decisions/stream", question().encode())[0] == 200)


def test_a_stream_of_nothing_but_broken_lines_lets_others_ask_meanwhile(served):
    """A chunk of the server's holds a hundred thousand of them."""
    ended = threading.Event()

    def broken() -> None:
        served.posted("/v1/decisions/stream", b"1\n" * 150_000)
        ended.set()

    stream = threading.Thread(target=broken)
    stream.start()
    answered = 0
    while not ended.is_set():
        answered += served.posted("/v1/decisions", question().encode())[0] == 200
    stream.join()
    assert answered > 20


WHOLE = b'{"sender":"1","recipient":"2"}'
odd_lines = st.sampled_from([
    WHOLE, b'{"sender":"1",', b'"recipient":"2"}', b'"recipient":"2"} ' + WHOLE, WHOLE + b" " + WHOLE, WHOLE + WHOLE,
    b" " + WHOLE + b"\r", b"{", b"}", b"[", b"]", b"1", b'{"sender":{}', b'{"sender":{},"recipient":{}}', None,
])  # fmt: skip


@given(st.lists(odd_lines, max_size=6))
def test_lines_read_together_are_those_read_alone(lines):
    together, alone = read_lines(lines), [one for line in lines for one in read_lines([line])]
    assert [repr(one) for one in together] == [repr(one) for one in alone]


pieces = st.lists(st.sampled_from([b"a", b"\n", b" ", b"x" * MAX_LINE_BYTES, b"y" * 100]), max_size=12)


@settings(deadline=None)
@given(pieces, st.integers(50, 20_000))
def test_lines_are_the_same_however_a_body_is_cut(parts, size):
    body = b"".join(parts)
    lines = Lines()
    found = [line for start in range(0, len(body), size) for line in lines.feed(body[start : start + size])]
    found += lines.end()
    whole = [line for line in body.split(b"\n") if line.strip() or len(line) > MAX_LINE_BYTES]
    assert found == [line if len(line) <= MAX_LINE_BYTES else None for line in whole]


@pytest.mark.parametrize("interface", ["rsgi", "asgi"])
def test_a_process_that_stops_first_writes_down_who_asked_about_a_canary(tmp_path, interface):
    with serving(tmp_path, interface) as served:
        # The second and third alarm would wait for a second.
        for _ in range(3):
            *answers, _last = served.answers(question(CANARY), question(OTHER))
            assert answers == [{"decision": "allow", "reason": "ok"}] * 2
    (sighting,) = summed(read(tmp_path / "sightings" / "waiting"))
    assert (sighting.asker, sighting.canary, sighting.door, sighting.times) == ("key:1", 7, "stream", 3)
