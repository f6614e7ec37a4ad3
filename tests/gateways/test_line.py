"""A connection says why it is lost."""

import asyncio
import socket

import pytest

from optout.gateways.delivered import LineLost
from optout.gateways.frames import Splitter
from optout.gateways.line import Line


async def line_to(ours: socket.socket, *, patience_s: float) -> Line:
    reader, writer = await asyncio.open_connection(sock=ours)
    return Line(reader, writer, Splitter(shortest=12, longest=64), patience_s)


async def send_on(line: Line) -> None:
    """A line that the other end has closed takes something still."""
    while True:
        await line.send(b"anything")
        await asyncio.sleep(0)


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_gateway_that_does_not_read_is_not_waited_for(ends):
    async def scene():
        line = await line_to(ends[0], patience_s=0.1)
        with pytest.raises(LineLost, match=r"^The gateway does not take what is sent: it does not read\.$"):
            await line.send(bytes(10_000_000))
        await line.close()

    asyncio.run(scene())


def test_a_host_that_takes_no_connection_in_time_is_no_connection():
    # Its one place is taken, and nobody accepts.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]

        async def scene():
            with pytest.raises(LineLost, match=r"^No connection: no answer\.$"):
                await Line.open("127.0.0.1", port, tls=None, splitter=Splitter(shortest=12, longest=64), patience_s=0.2)

        with socket.create_connection(("127.0.0.1", port)):
            asyncio.run(scene())


@pytest.mark.parametrize("host", ["sms..example", "a" * 70])
def test_a_host_that_no_name_can_be_is_no_connection(host):
    async def scene():
        with pytest.raises(LineLost, match=r"^No connection: .*label"):
            await Line.open(host, 5016, tls=None, splitter=Splitter(shortest=12, longest=64), patience_s=1)

    asyncio.run(scene())


def test_a_line_that_breaks_says_so(ends):
    async def scene():
        line = await line_to(ends[0], patience_s=1)
        ends[1].close()
        with pytest.raises(LineLost, match=r"^The gateway closed the line\.$"):
            await line.frames(within_s=1)
        with pytest.raises(LineLost, match="does not take what is sent: "):
            await send_on(line)
        await line.close()

    asyncio.run(scene())
