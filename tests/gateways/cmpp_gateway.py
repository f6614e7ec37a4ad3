"""A message centre that speaks CMPP 2.0 and 3.0, written from the tables of the specification.

It shares no code with the receiver: its frames are read and written field by field from `TABLES`. It delivers with a
window, resends what is not answered, and can be told to misbehave.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CONNECT, CONNECT_RESP = 0x00000001, 0x80000001
TERMINATE, TERMINATE_RESP = 0x00000002, 0x80000002
DELIVER, DELIVER_RESP = 0x00000005, 0x80000005
ACTIVE_TEST, ACTIVE_TEST_RESP = 0x00000008, 0x80000008

CMPP2, CMPP3 = 0x20, 0x30

# Command → name and bytes of each field, in order. None: as many as the field before it says.
Table = tuple[tuple[str, int | None], ...]
_HEADER: Table = (("Total_Length", 4), ("Command_Id", 4), ("Sequence_Id", 4))
_CONNECT: Table = (("Source_Addr", 6), ("AuthenticatorSource", 16), ("Version", 1), ("Timestamp", 4))
TABLES: dict[int, dict[int, Table]] = {
    CMPP2: {
        CONNECT: _CONNECT,
        CONNECT_RESP: (("Status", 1), ("AuthenticatorISMG", 16), ("Version", 1)),
        DELIVER: (
            ("Msg_Id", 8), ("Dest_Id", 21), ("Service_Id", 10), ("TP_pid", 1), ("TP_udhi", 1), ("Msg_Fmt", 1),
            ("Src_terminal_Id", 21), ("Registered_Delivery", 1), ("Msg_Length", 1), ("Msg_Content", None),
            ("Reserved", 8),
        ),
        DELIVER_RESP: (("Msg_Id", 8), ("Result", 1)),
        ACTIVE_TEST_RESP: (("Reserved", 1),),
    },
    CMPP3: {
        CONNECT: _CONNECT,
        CONNECT_RESP: (("Status", 4), ("AuthenticatorISMG", 16), ("Version", 1)),
        DELIVER: (
            ("Msg_Id", 8), ("Dest_Id", 21), ("Service_Id", 10), ("TP_pid", 1), ("TP_udhi", 1), ("Msg_Fmt", 1),
            ("Src_terminal_Id", 32), ("Src_terminal_type", 1), ("Registered_Delivery", 1), ("Msg_Length", 1),
            ("Msg_Content", None), ("LinkID", 20),
        ),
        DELIVER_RESP: (("Msg_Id", 8), ("Result", 4)),
        ACTIVE_TEST_RESP: (("Reserved", 1),),
    },
}  # fmt: skip

TRIES = 3


def write(table: Table, values: dict[str, bytes | int]) -> bytes:
    """The bytes of a table's fields; those without a value are zeros."""
    octets = b""
    for name, width in table:
        value = values.get(name, 0)
        if isinstance(value, int):
            octets += value.to_bytes(width or 0, "big")
        else:
            octets += value if width is None else value.ljust(width, b"\x00")
    return octets


def read(table: Table, octets: bytes) -> dict[str, bytes]:
    """The fields of a table, each as its bytes."""
    values: dict[str, bytes] = {}
    last = b""
    for name, width in table:
        size = last[0] if width is None else width
        values[name] = last = octets[:size]
        assert len(last) == size, f"{name} is cut off"
        octets = octets[size:]
    assert not octets, "more than the table has"
    return values


def frame(command: int, sequence: int, body: bytes) -> bytes:
    """A whole frame."""
    header = {"Total_Length": 12 + len(body), "Command_Id": command, "Sequence_Id": sequence}
    return write(_HEADER, header) + body


_numbers = itertools.count(1)


def message_id(month: int = 7, day: int = 1, hour: int = 9, minute: int = 30, second: int = 0) -> bytes:
    """A fresh Msg_Id: the date in 26 bits, the gateway in 22, a sequence in 16."""
    bits = f"{month:04b}{day:05b}{hour:05b}{minute:06b}{second:06b}{next(_numbers):038b}"
    return int(bits, 2).to_bytes(8, "big")


@dataclass
class Reply:
    """What a debtor sent, in the words of the specification."""

    text: bytes = "退订".encode("utf-16-be")
    sender: str = "15400000001"
    port: str = "10690001"
    msg_fmt: int = 8
    tp_udhi: int = 0
    src_terminal_type: int = 0
    registered_delivery: int = 0
    msg_id: bytes = field(default_factory=message_id)

    def body(self, version: int) -> bytes:
        return write(
            TABLES[version][DELIVER],
            {
                "Msg_Id": self.msg_id,
                "Dest_Id": self.port.encode(),
                "Service_Id": b"HELP",
                "TP_udhi": self.tp_udhi,
                "Msg_Fmt": self.msg_fmt,
                "Src_terminal_Id": self.sender.encode(),
                "Src_terminal_type": self.src_terminal_type,
                "Registered_Delivery": self.registered_delivery,
                "Msg_Length": len(self.text),
                "Msg_Content": self.text,
                "LinkID": b"",
                "Reserved": b"",
            },
        )


class Line:
    """One connection that a receiver has opened and logged in on."""

    def __init__(self, gateway: Gateway, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.gateway, self.version = gateway, gateway.version
        self.tables = TABLES[gateway.version]
        self.closed = asyncio.Event()
        # How often an answer was waited for in vain.
        self.unanswered = 0
        # Every frame that came, as command, sequence and body.
        self.received: list[tuple[int, int, bytes]] = []
        self._reader, self._writer = reader, writer
        self._sequences = itertools.count(1)
        self._asked: dict[int, asyncio.Future[bytes]] = {}

    def count(self, command: int) -> int:
        """How many frames of a command have come."""
        return sum(1 for received, _, _ in self.received if received == command)

    def write(self, octets: bytes) -> None:
        """Any bytes at all."""
        self._writer.write(octets)

    async def ask(self, command: int, body: bytes = b"", *, wait: float = 30.0, tries: int = 1) -> bytes | None:
        """Send a command and return the body of its answer; None if there is none, however often it was sent."""
        sequence = next(self._sequences)
        self._asked[sequence] = answer = asyncio.get_running_loop().create_future()
        try:
            for _ in range(tries):
                self.write(frame(command, sequence, body))
                with contextlib.suppress(TimeoutError):
                    return await asyncio.wait_for(asyncio.shield(answer), wait)
                self.unanswered += 1
        finally:
            del self._asked[sequence]
        return None

    async def deliver(self, reply: Reply) -> int | None:
        """Deliver one reply, again when no answer comes; the Result of the answer."""
        body = reply.body(self.version)
        answer = await self.ask(DELIVER, body, wait=self.gateway.resend_after, tries=TRIES)
        if answer is None:
            return None
        fields = read(self.tables[DELIVER_RESP], answer)
        assert fields["Msg_Id"] == reply.msg_id
        return int.from_bytes(fields["Result"], "big")

    async def deliver_all(self, replies: Sequence[Reply]) -> list[int | None]:
        """Deliver many, never more at once than the window holds."""
        window = asyncio.Semaphore(self.gateway.window)

        async def one(reply: Reply) -> int | None:
            async with window:
                return await self.deliver(reply)

        return await asyncio.gather(*map(one, replies))

    async def deliver_with_flow_control(self, reply: Reply) -> int | None:
        """Deliver until the receiver says something else than that it is busy."""
        while (result := await self.deliver(reply)) == 8:
            await asyncio.sleep(self.gateway.resend_after)
        return result

    async def drop_in_mid_frame(self, reply: Reply) -> None:
        """Send half of a delivery and close the line."""
        octets = frame(DELIVER, next(self._sequences), reply.body(self.version))
        self.write(octets[: len(octets) // 2])
        await self.close()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def log_in(self) -> bool:
        """Check a CONNECT: account, MD5 and version; answer it."""
        command, sequence, body = await self._frame()
        self.received.append((command, sequence, body))
        assert command == CONNECT
        fields = read(_CONNECT, body)
        status = self.gateway.verdict(fields)
        if self.gateway.deaf:
            return False
        width = dict(self.tables[CONNECT_RESP])["Status"] or 0
        secret = b"another" if self.gateway.impostor else self.gateway.secret.encode()
        proof = hashlib.md5(status.to_bytes(width, "big") + fields["AuthenticatorSource"] + secret).digest()
        answer = {"Status": status, "AuthenticatorISMG": proof if status == 0 else b"", "Version": self.version}
        self.write(frame(CONNECT_RESP, sequence, write(self.tables[CONNECT_RESP], answer)))
        return status == 0

    async def serve(self) -> None:
        """Read to the end of the connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                self._react(*await self._frame())

    def _react(self, command: int, sequence: int, body: bytes) -> None:
        self.received.append((command, sequence, body))
        waiting = self._asked.get(sequence)
        if command & 0x80000000 and waiting is not None and not waiting.done():
            waiting.set_result(body)
        elif command == ACTIVE_TEST and not self.gateway.deaf:
            self.write(frame(ACTIVE_TEST_RESP, sequence, b"\x00"))
        elif command == TERMINATE and not self.gateway.deaf:
            self.write(frame(TERMINATE_RESP, sequence, b""))

    async def _frame(self) -> tuple[int, int, bytes]:
        header = read(_HEADER, await self._reader.readexactly(12))
        length, command, sequence = (int.from_bytes(value, "big") for value in header.values())
        return command, sequence, await self._reader.readexactly(length - 12)


class Gateway:
    """A message centre on a free port of this machine; `async with` it.

    `refuses`: answer every log-in with this status. `impostor`: prove another secret than the agreed one. `deaf`:
    answer nothing that a receiver asks. `resend_after`: 60 seconds in the field.
    """

    def __init__(
        self, version: int = CMPP3, *, account: str = "900001", secret: str = "gateway secret", window: int = 16,
        resend_after: float = 60.0, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.version, self.account, self.secret = version, account, secret
        self.window, self.resend_after = window, resend_after
        self.refuses: int | None = None
        self.impostor = self.deaf = False
        self.port = 0
        self.lines: list[Line] = []
        self._tls = tls
        self._logged_in: asyncio.Queue[Line] = asyncio.Queue()

    def verdict(self, fields: dict[str, bytes]) -> int:
        """The Status of a log-in."""
        stamp = int.from_bytes(fields["Timestamp"], "big")
        expected = hashlib.md5(self.account.encode() + bytes(9) + self.secret.encode() + b"%010d" % stamp).digest()
        if self.refuses is not None:
            return self.refuses
        if fields["Source_Addr"] != self.account.encode().ljust(6, b"\x00"):
            return 2
        if fields["Version"][0] > self.version:
            return 4
        return 0 if fields["AuthenticatorSource"] == expected else 3

    async def line(self) -> Line:
        """The next connection on which somebody has logged in."""
        return await asyncio.wait_for(self._logged_in.get(), 30)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(self, reader, writer)
        self.lines.append(line)
        try:
            if await line.log_in():
                self._logged_in.put_nowait(line)
            await line.serve()
        finally:
            line.closed.set()
            await line.close()

    async def __aenter__(self) -> Gateway:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._server.close()
        for line in self.lines:
            await line.close()
            await line.closed.wait()
        await self._server.wait_closed()
