"""A whole node that receives from a gateway, with its parts killed under it."""

import pytest

from tests.faults.support import RunningNode, running_node, until
from tests.gateways.cmpp_gateway import Gateway, Line, Reply
from tests.gateways.receiving import Loop, gateway

RECORD = """
from optout.services.receivers import ReceiverSettings, record_receiver
settings = ReceiverSettings(protocol="cmpp", version="3.0", host="127.0.0.1", tcp_port={port}, account="{account}")
record_receiver(name="js-mobile", settings=settings, secret="{secret}", by="tests")
"""
DONE, FLOW_CONTROL = 0, 8


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def loop():
    with Loop() as running:
        yield running


def record(node: RunningNode, running: Gateway) -> None:
    given = RECORD.format(port=running.port, account=running.account, secret=running.secret)
    recorded = node.manage("shell", "--no-imports", "-c", given)
    assert recorded.returncode == 0, recorded.stderr


def log(node: RunningNode, name: str) -> str:
    return (node.data_dir / "log" / f"{name}.log").read_text()


def test_replies_survive_the_end_of_postgresql_and_of_the_receivers_and_count_once(node, loop):
    port = node.demo["senders"]["white_prefix"]
    replies = [Reply(sender=f"1540200000{n}", port=port) for n in range(4)]
    entries = len(node.entries())

    def deliver(line: Line, *replies: Reply) -> None:
        for reply in replies:
            until(lambda reply=reply: loop.do(line.deliver(reply)) == DONE)

    with gateway(loop) as running:
        record(node, running)
        line = loop.do(running.line())
        deliver(line, replies[0])
        with node.frozen_postgres():
            assert loop.do(line.deliver(replies[1])) == FLOW_CONTROL
        node.kill_and_await("postgres")
        deliver(line, *replies[:3])
        node.kill_and_await("receivers")
        deliver(loop.do(running.line()), *replies)
        for reply in replies:
            until(lambda person=reply.sender: node.reason(port, person) == "recipient_opted_out")
        until(lambda: log(node, "confirmations").count(" confirmation ") >= len(replies))
    assert log(node, "confirmations").count(" confirmation ") == len(replies)
    # One entry is the receiver's.
    assert len(node.entries()) == entries + 1 + len(replies)
    said = log(node, "receivers")
    assert said.count("js-mobile: bound to 127.0.0.1") == 2
    assert said.count("js-mobile: the database is away") == said.count("js-mobile: the database is back") == 1
    assert not any(reply.sender in said for reply in replies)
