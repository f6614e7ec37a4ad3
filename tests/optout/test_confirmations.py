"""What people are told: whom, once, in what words, and whatever the receiver does."""

import hashlib
import hmac
import json
import logging
import socket
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from optout.models import InboundEndpoint, InboundMessage, OutgoingMessage, OutgoingState, Receipt
from optout.services import courier
from optout.services.apply import apply_pending
from optout.services.confirmations import Made, owe_confirmations
from optout.services.endpoints import issue_webhook_secret, standing_webhook_secret
from optout.services.inbox import sender_of
from optout.services.lists import import_list
from optout.services.outgoing import LEASE, claim, delay_after, settle
from optout.services.sending import AT_ONCE, Sender
from registry.models import Listing, Recipient, Suppression
from registry.services.keys import issue_api_key
from registry.services.listings import list_senders
from registry.tables import Row
from tests.conftest import SINCE
from tests.faults.support import free_port, until
from tests.optout.receiver import receiving
from tests.optout.support import deliver, item, refused_by, suppressions_of

PERSON = "15400000001"


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


def reply(text: str = "TD", person: str = PERSON, port: str = "10690001", **changes) -> None:
    deliver(person, port, text, **changes)
    apply_pending()


def send(url: str, *, turns: int = 1) -> None:
    """What the sender does, one turn after the other, each to its end."""
    sender = Sender(url)
    for _ in range(turns):
        sender.turn()
        while sender.rest(10):
            sender.turn()
    sender.close()


def again_now() -> None:
    """The time for which attempts wait has passed."""
    OutgoingMessage.objects.filter(state="waiting").update(next_at=timezone.now())


def states() -> list[str]:
    return list(OutgoingMessage.objects.order_by("owed_at").values_list("state", flat=True))


# Who is owed one


def test_a_new_refusal_is_owed_one_confirmation_until_five_minutes_after_its_arrival(cast):
    cast.list("10690001")
    reply()
    (owed,) = OutgoingMessage.objects.all()
    (suppression,) = suppressions_of(PERSON)
    assert (owed.kind, owed.suppression, owed.port, owed.state) == (
        "confirmation",
        suppression,
        "10690001",
        OutgoingState.WAITING,
    )
    assert owed.until - InboundMessage.objects.get().received_at == timedelta(minutes=5)


def test_a_repeat_is_owed_none(cast):
    cast.list("10690001")
    reply()
    reply("退订")
    deliver("+86 " + PERSON, "10690001", "N")
    deliver(PERSON, "106900019", "R")
    apply_pending()
    assert OutgoingMessage.objects.count() == 1


def test_each_suppression_of_a_shared_port_is_confirmed(cast):
    for holder, signature in ((cast.bank, "栗溪"), (cast.other, "松湖")):
        cast.list("10690001", holder=holder, signature=signature)
    reply()
    assert set(OutgoingMessage.objects.values_list("suppression__institution__code", flat=True)) == {"BANK", "OTHER"}


def test_an_old_message_is_owed_none(cast):
    cast.list("10690001")
    deliver(PERSON, "10690001", "TD")
    deliver(PERSON, "10690001", "START")
    InboundMessage.objects.update(received_at=timezone.now() - timedelta(minutes=5, seconds=1))
    apply_pending()
    assert refused_by(PERSON) == {"BANK", "10690001"}
    assert not OutgoingMessage.objects.exists()


def test_a_message_dated_ahead_by_another_nodes_clock_is_not_owed_more_time(cast):
    cast.list("10690001")
    deliver(PERSON, "10690001", "TD")
    InboundMessage.objects.update(received_at=timezone.now() + timedelta(hours=1))
    apply_pending()
    assert OutgoingMessage.objects.get().until <= timezone.now() + timedelta(minutes=5)


def test_replies_out_of_a_file_are_owed_none(cast, tmp_path):
    cast.list("10690001")
    issue_webhook_secret("generic")
    (tmp_path / "replies").write_text(json.dumps([item(), item("15400000002", text="HELP")]))
    call_command("import_replies", str(tmp_path / "replies"))
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}
    assert InboundMessage.objects.first().flags == ["no_time", "imported"]
    assert not OutgoingMessage.objects.exists()


def test_neither_a_list_nor_a_widening_is_owed_any(cast):
    listed = [{"recipient": PERSON, "institution": "BANK"}, {"recipient": "15400000002", "sender": "10690001"}]
    import_list([Row(number, cells) for number, cells in enumerate(listed, start=1)], by="tests")
    assert Suppression.objects.count() == 2
    reply(person="15400000003")
    list_senders([cast.spec("10690001")], by="tests")
    assert refused_by("15400000003") == {"10690001", "BANK"}
    assert list(OutgoingMessage.objects.values_list("suppression__digits", flat=True)) == ["10690001"]


@pytest.mark.parametrize("person", ["057112345678", "+86 571 12345678"])
def test_a_line_that_takes_no_sms_is_owed_none(cast, person):
    cast.list("10690001")
    reply(person=person)
    assert refused_by(person) == {"BANK"}
    assert not OutgoingMessage.objects.exists()


def test_a_refusal_of_everyone_at_an_unreadable_port_has_no_number_to_confirm_from(cast):
    reply("TD ALL", port="nowhere")
    assert refused_by(PERSON) == {"everyone"}
    assert not OutgoingMessage.objects.exists()


def test_two_replies_at_once_are_owed_one_confirmation(live_cast):
    live_cast.list("10690001")
    for text in ("TD", "N", "START", "YES"):
        deliver(PERSON, "10690001", text)
    ids = list(InboundMessage.objects.values_list("pk", flat=True))
    barrier = threading.Barrier(len(ids))

    def work() -> None:
        barrier.wait()
        while apply_pending():
            pass
        connection.close()

    threads = [threading.Thread(target=work) for _ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(OutgoingMessage.objects.values_list("kind", flat=True)) == ["confirmation", "how_to_correct"]


def test_a_verdicts_confirmation_has_five_minutes_from_the_verdict(cast):
    cast.list("10690001")
    reply()
    OutgoingMessage.objects.all().delete()
    refusal = suppressions_of(PERSON)[0].refusals.get()
    InboundMessage.objects.update(received_at=timezone.now() - timedelta(days=3))
    refusal.message.refresh_from_db()
    made = Made(refusal.suppression_id, refusal.message, sender_of(refusal.message))
    owe_confirmations([made])
    assert not OutgoingMessage.objects.exists()
    verdict = timezone.now() - timedelta(minutes=1)
    owe_confirmations([made], since=verdict)
    assert OutgoingMessage.objects.get().until == verdict + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("fields", "owed"),
    [
        ({"sender": "10690001"}, ["10690001"]),
        ({"sender": "10690001", "refused_at": timedelta(minutes=4)}, ["10690001"]),
        ({"sender": "10690001", "refused_at": timedelta(minutes=6)}, []),
        ({"institution": "BANK"}, []),
        ({"sender": "10690001", "recipient": "057112345678"}, []),
    ],
)
def test_a_refusal_made_elsewhere_is_confirmed_from_the_number_that_it_names(cast, fields, owed):
    Listing.objects.filter(pk=cast.list("10690001").pk).update(listed_at=SINCE)
    _, key = issue_api_key(client_code="CARRIER", by="tests")
    if "refused_at" in fields:
        fields = {**fields, "refused_at": (timezone.now() - fields["refused_at"]).isoformat()}
    report = {"id": "1", "recipient": PERSON, "origin": "key_press", **fields}
    for _ in range(2):
        answer = Client().post(
            "/v1/refusals", report, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )
        assert answer.status_code in (200, 201), answer.content
    assert list(OutgoingMessage.objects.values_list("port", flat=True)) == owed


# What they are told


def text_of(person: str = PERSON) -> str:
    (letter,) = claim(10)
    assert letter.recipient.national().endswith(person[-4:])
    return letter.text


def test_a_confirmation_names_institution_and_reach_and_where_the_receipt_is(cast, settings):
    cast.list("10690001")
    reply()
    settings.ENV = replace(settings.ENV, public_url="https://registry.example.cn")
    words, _, address = text_of().partition("凭证：")
    assert words == "您已拒收栗溪银行的营销、催收（短信、电话），永久有效。"
    assert address == f"https://registry.example.cn/v1/receipts/{Receipt.objects.get().code}"
    assert len(words) <= 70


def test_without_a_public_url_the_code_stands_in_the_text(cast):
    cast.list("10690001")
    reply()
    assert text_of().endswith(f"凭证：{Receipt.objects.get().code}")


@pytest.mark.parametrize(
    ("person", "text", "begins"),
    [
        (PERSON, "TD", "您已拒收10690001的营销、催收（短信、电话），永久有效。"),
        (PERSON, "TD ALL", "您已拒收所有机构的营销、催收（短信、电话），永久有效。"),
        ("+447700900123", "STOP", "You refused marketing, debt collection (SMS, calls) from 10690001, for good."),
        ("+447700900123", "STOP ALL", "You refused marketing, debt collection (SMS, calls) from all institutions, "),
    ],
)
def test_digits_and_everyone_are_named_in_the_language_of_the_number(cast, person, text, begins):
    reply(text, person)
    assert text_of(person).startswith(begins)


@pytest.mark.parametrize(
    ("text", "kind", "chinese", "english"),
    [
        ("START", "how_to_correct", "书面向金融监管部门申请更正", "apply to the financial regulator in writing"),
        ("HELP", "help", "10690001是栗溪银行的号码。如需拒收，请回复“退订”。", "10690001 is a number of 栗溪银行."),
    ],
)
def test_questions_are_answered_once_a_day_for_each_person_and_port(cast, text, kind, chinese, english):
    cast.list("10690001")
    reply(text)
    reply(text)
    deliver("+86" + PERSON, "10690001", text)
    deliver(PERSON, "10690001", text)
    apply_pending()
    (letter,) = claim(10)
    assert (letter.kind, letter.receipt, chinese in letter.text) == (kind, None, True)
    reply(text, "+447700900123")
    reply(text, port="106900012")
    assert sorted(english in letter.text for letter in claim(10)) == [False, True]
    assert not Suppression.objects.exists()
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        reply(text)
    assert OutgoingMessage.objects.count() == 4


def test_an_unknown_number_is_said_to_be_one(cast):
    reply("HELP")
    assert text_of() == "10690001未经任何机构备案，请谨防诈骗。如需拒收，请回复“退订”。"


def test_asking_for_messages_again_lifts_nothing(cast):
    cast.list("10690001")
    reply()
    reply("START")
    assert refused_by(PERSON) == {"BANK"}
    assert Suppression.objects.standing().count() == 1


@pytest.mark.parametrize("answer", ["退订", "unsubscribe"])
def test_what_help_says_to_reply_is_a_refusal(cast, answer):
    reply(answer)
    assert refused_by(PERSON) == {"10690001"}


# What the receiver gets


def test_the_receiver_gets_a_signed_message_once(cast, receiver):
    cast.list("10690001")
    reply()
    send(receiver.url, turns=3)
    (letter,) = receiver.letters
    owed = OutgoingMessage.objects.get()
    assert letter == {
        "id": str(owed.pk),
        "from": "10690001",
        "to": "8615400000001",
        "text": letter["text"],
        "receipt": Receipt.objects.get().code,
    }
    assert "栗溪银行" in letter["text"]
    (request,) = receiver.requests
    request.check_signature(standing_webhook_secret("generic"), time.time())
    moment, mac = request.headers["X-Signature"].removeprefix("t=").split(",v1=")
    own = hmac.new(standing_webhook_secret("generic").encode(), f"{moment}.".encode() + request.body, hashlib.sha256)
    assert mac == own.hexdigest()
    assert (request.path, request.headers["Content-Type"]) == ("/send?via=tests", "application/json")
    assert (owed.state, owed.attempts, owed.settled_at is not None) == ("sent", 1, True)


def test_an_answer_has_no_receipt(cast, receiver):
    reply("HELP")
    send(receiver.url)
    assert receiver.letters[0]["receipt"] is None


def test_a_receiver_that_comes_back_gets_the_same_id_and_one_is_delivered(cast):
    cast.list("10690001")
    reply()
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    for attempt in (1, 2):
        send(url)
        owed = OutgoingMessage.objects.get()
        assert (owed.state, owed.attempts) == ("waiting", attempt)
        again_now()
    with receiving(port) as receiver:
        send(url, turns=2)
        assert [letter["id"] for letter in receiver.letters] == [str(owed.pk)]
    assert states() == ["sent"]


@pytest.mark.parametrize("status", [500, 404, 302, 307])
def test_anything_but_2xx_is_repeated_under_the_same_id(cast, receiver, status):
    cast.list("10690001")
    reply()
    receiver.answer = lambda handler: handler.reply(status, Location="/elsewhere")
    send(receiver.url)
    receiver.answer = lambda handler: handler.reply(202)
    again_now()
    send(receiver.url)
    assert len({letter["id"] for letter in receiver.letters}) == 1
    assert (len(receiver.requests), states()) == (2, ["sent"])
    assert refused_by(PERSON) == {"BANK"}


def test_a_repeat_waits_about_twice_as_long_each_time_and_a_minute_at_most(cast):
    for attempt, seconds in ((1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (50, 60)):
        delays = {delay_after(attempt).total_seconds() for _ in range(50)}
        assert seconds * 0.8 <= min(delays) < max(delays) <= seconds * 1.2


@pytest.mark.parametrize("trickle", [b"", b"H"])
def test_a_receiver_that_hangs_is_left_after_the_time_out(receiver, trickle):
    def hang(handler) -> None:
        while not receiver.over.wait(0.05):
            handler.wfile.write(trickle)
            handler.wfile.flush()

    receiver.answer = hang
    began = time.monotonic()
    assert courier.deliver(receiver.url, b"{}", secret="s", seconds=0.5) != ""
    assert time.monotonic() - began < 3


def test_a_large_answer_is_not_read_to_its_end(receiver):
    def flood(handler) -> None:
        handler.reply(200)
        while not receiver.over.is_set():
            handler.wfile.write(b"x" * 65_536)

    receiver.answer = flood
    assert courier.deliver(receiver.url, b"{}", secret="s", seconds=5) == ""


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "http://" + "x" * 70 + ".invalid/", "http://nowhere.invalid/"])
def test_an_address_that_cannot_be_reached_is_a_failed_attempt(url):
    assert courier.deliver(url, b"{}", secret="s", seconds=1) != ""


def test_what_is_no_http_is_a_failed_attempt():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connected, _ = server.accept()
            with connected:
                connected.sendall(b"220 mail\r\n")

        threading.Thread(target=greet, daemon=True).start()
        assert courier.deliver(f"http://127.0.0.1:{server.getsockname()[1]}", b"{}", secret="s", seconds=2) != ""


def test_after_five_minutes_it_is_given_up_and_the_refusal_stands(cast, receiver, caplog):
    cast.list("10690001")
    reply()
    receiver.answer = lambda handler: handler.reply(503)
    send(receiver.url)
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        send(receiver.url, turns=2)
        OutgoingMessage.objects.update(next_at=timezone.now())
    assert (len(receiver.requests), states()) == (1, ["expired"])
    assert "1 messages to people were not sent in time." in caplog.text
    assert refused_by(PERSON) == {"BANK"}


def test_a_repeat_is_never_due_after_the_end(cast):
    reply()
    OutgoingMessage.objects.update(until=timezone.now() + timedelta(milliseconds=300))
    letters = claim(1)
    settle([], letters)
    owed = OutgoingMessage.objects.get()
    assert owed.next_at == owed.until


def test_a_sender_that_died_between_post_and_mark_sends_the_same_id_again(cast, receiver):
    reply()
    (letter,) = claim(10)
    assert courier.deliver(receiver.url, courier.body_of(letter), secret="s") == ""
    send(receiver.url)
    assert len(receiver.requests) == 1, "it is the dead sender's until its lease is over"
    with time_machine.travel(timezone.now() + LEASE):
        send(receiver.url)
    assert [letter["id"] for letter in receiver.letters] == [str(letter.id)] * 2
    assert states() == ["sent"]


def test_two_senders_at_once_send_each_message_once(live_cast, receiver):
    people = [f"1540000{n:04d}" for n in range(40)]
    for person in people:
        deliver(person, "10690001", "TD")
    apply_pending()
    standing_webhook_secret("generic")

    def work() -> None:
        send(receiver.url, turns=8)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A line that the receiver was too busy to take is tried again a second later.
    until(lambda: send(receiver.url, turns=2) or states() == ["sent"] * 40)
    assert sorted(letter["to"] for letter in receiver.letters) == ["86" + person for person in people]


def test_no_more_than_a_few_are_under_way(cast, receiver):
    for n in range(AT_ONCE + 5):
        deliver(f"1540000{n:04d}", "10690001", "TD")
    apply_pending()
    receiver.answer = lambda handler: (receiver.over.wait(5), handler.reply(200))
    sender = Sender(receiver.url)
    assert (sender.turn(), sender.turn()) == (AT_ONCE, 0)
    receiver.over.set()
    until(lambda: sender.turn() or OutgoingMessage.objects.filter(state="sent").count() == AT_ONCE + 5)
    sender.close()


def test_what_was_sent_while_the_database_went_away_is_noted_when_it_is_back(live_cast, receiver):
    reply()
    sender = Sender(receiver.url)
    sender.turn()
    until(lambda: len(receiver.requests) == 1)
    until(lambda: all(attempt.done() for attempt in sender._under_way))
    with connection.execute_wrapper(_away), pytest.raises(OperationalError):
        sender.turn()
    sender.turn()
    sender.close()
    assert (len(receiver.requests), states()) == (1, ["sent"])


def _away(*_, **__):
    raise OperationalError("away")


def test_without_a_secret_nothing_is_sent_and_it_is_said_once(cast, receiver, caplog):
    reply()
    InboundEndpoint.objects.filter(provider="generic").update(provider="other")
    send(receiver.url, turns=3)
    assert (receiver.requests, states()) == ([], ["waiting"])
    assert caplog.text.count("No secret was issued for 'generic'") == 1


def test_trouble_is_said_when_it_begins_and_when_it_ends(cast, receiver, caplog):
    caplog.set_level(logging.INFO)
    reply()
    receiver.answer = lambda handler: handler.reply(500)
    sender = Sender(receiver.url)
    for _ in range(3):
        again_now()
        sender.turn()
        while sender.rest(10):
            sender.turn()
    receiver.answer = lambda handler: handler.reply(200)
    again_now()
    sender.turn()
    sender.rest(10)
    sender.close()
    assert [record.getMessage() for record in caplog.records if "Messages to people" in record.getMessage()] == [
        "Messages to people are not taken and wait: HTTP 500",
        "Messages to people are taken again.",
    ]
    for secret in (PERSON, receiver.url, Receipt.objects.get().code):
        assert secret not in caplog.text


def test_a_person_who_was_erased_is_told_nothing(cast, receiver):
    reply()
    Recipient.objects.all().delete()
    send(receiver.url)
    assert (receiver.requests, states()) == ([], ["waiting"])


@pytest.mark.parametrize("box", ["sealed_from", "sealed_raw"])
def test_one_that_cannot_be_made_up_does_not_hold_up_the_others(cast, receiver, caplog, box):
    reply("HELP")
    InboundMessage.objects.update(**{box: b"broken"})
    reply(person="15400000002")
    send(receiver.url)
    assert [letter["to"] for letter in receiver.letters] == ["8615400000002"]
    assert "cannot be made up (SealBroken)" in caplog.text


# Without a receiver


def test_without_an_address_it_is_one_line_in_the_log_without_number_and_code(cast, caplog):
    caplog.set_level(logging.INFO)
    cast.list("10690001")
    reply()
    reply("HELP")
    caplog.clear()
    send("", turns=2)
    owed = OutgoingMessage.objects.get(kind="confirmation")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert (
        f"confirmation {owed.pk} from 10690001 to 154****0001: 您已拒收栗溪银行的营销、催收（短信、电话），永久有效。凭证："
        in lines
    )
    for secret in (PERSON, Receipt.objects.get().code):
        assert secret not in caplog.text
    assert states() == ["sent", "sent"]


def test_owing_and_logging_many_takes_few_statements(cast, django_assert_max_num_queries):
    cast.list("10690001")
    for n in range(60):
        deliver(f"1540000{n:04d}", "10690001", "TD")
    with django_assert_max_num_queries(30):
        apply_pending()
    with django_assert_max_num_queries(8):
        assert Sender("").turn() == 60
