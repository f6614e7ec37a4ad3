"""Long messages: parts in any order, over any line, more than once, or never."""

import threading
from datetime import timedelta
from itertools import permutations

import pytest
import time_machine
from django.db import connection
from django.utils import timezone, translation

from optout.gateways.delivered import Delivered, Part
from optout.models import InboundEndpoint, InboundMessage, LongMessage, MessagePart, OutgoingMessage, Refusal
from optout.services.apply import apply_pending
from optout.services.endpoints import seal_secret
from optout.services.inbox import masked_from, open_message
from optout.services.parts import REPEATS_FOR, keep_deliveries, read_overdue
from registry.models import LedgerEntry
from tests.optout.support import refused_by
from tests.optout.test_verdicts import refused, say

PERSON, PORT = "15400000001", "10690001"
WAIT = timedelta(seconds=300)


@pytest.fixture
def gateway(cast) -> InboundEndpoint:
    cast.list(PORT)
    return seal_secret("gateway", "secret")


def part(text: str, number: int, total: int = 3, *, reference: int = 7, coding: int = 8, **changes) -> Delivered:
    content = text.encode("utf-16-be") if coding == 8 else text.encode("latin-1")
    return piece(content, number, total, reference=reference, coding=coding, text=text, **changes)


def piece(content: bytes, number: int, total: int = 3, *, reference: int = 7, coding: int = 8, **changes) -> Delivered:
    given = {
        "message_id": f"{reference}-{number}",
        "sender": PERSON,
        "pseudonymous": False,
        "port": PORT,
        "text": "",
        "flags": (),
        "part": Part(reference, False, total, number),
        "content": content,
        "coding": coding,
        "raw": content,
        "sent_at": None,
    }
    return Delivered(**(given | changes))


def whole(text: str = "TD", *, message_id: str = "1", **changes) -> Delivered:
    return piece(text.encode(), 1, coding=0, text=text, part=None, message_id=message_id, **changes)


def keep(gateway, *deliveries: Delivered) -> None:
    keep_deliveries(gateway, "smpp", deliveries)


def texts() -> list[str]:
    return [open_message(message).text for message in InboundMessage.objects.order_by("pk")]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_parts_in_any_order_become_one_reply(gateway, order):
    pieces = [part("我今天", 1), part("去银行", 2), part("办事", 3)]
    for place in order:
        keep(gateway, pieces[place])
    assert texts() == ["我今天去银行办事"]
    assert InboundMessage.objects.get().flags == []


def test_parts_that_come_together_become_one_reply(gateway):
    keep(gateway, part("我今天", 1), whole(), part("办事", 3), part("去银行", 2))
    assert texts() == ["TD", "我今天去银行办事"]


def test_a_character_that_two_parts_share_is_read(gateway):
    content = "请不要再发".encode("utf-16-be")
    flags = {"flags": ("odd_text",)}
    keep(gateway, piece(content[:5], 1, 2, **flags), piece(content[5:], 2, 2, **flags))
    assert texts() == ["请不要再发"]
    assert InboundMessage.objects.get().flags == []


def test_messages_of_others_and_under_other_references_are_kept_apart(gateway):
    for changes in ({}, {"reference": 8}, {"sender": "15400000002"}, {"port": "10690002"}):
        keep(gateway, part("一", 1, 2, **changes))
        keep(gateway, part("二", 2, 2, **changes))
    wide = {"part": Part(7, True, 2, 1)}, {"part": Part(7, True, 2, 2)}
    keep(gateway, part("一", 1, 2, **wide[0]), part("二", 2, 2, **wide[1]))
    assert texts() == ["一二"] * 5


def test_a_repeated_part_counts_once(gateway):
    for _ in range(3):
        keep(gateway, part("一", 1, 2))
    keep(gateway, part("二", 2, 2))
    for number, text in ((1, "一"), (2, "二")):
        keep(gateway, part(text, number, 2))
    assert texts() == ["一二"]
    assert MessagePart.objects.count() == 2


def test_a_reference_used_again_is_another_message(gateway):
    keep(gateway, part("一", 1, 2), part("二", 2, 2))
    keep(gateway, part("三", 1, 2), part("四", 2, 2))
    assert texts() == ["一二", "三四"]


def test_the_same_words_under_the_same_reference_are_another_message_later(gateway):
    with time_machine.travel(timezone.now()) as clock:
        keep(gateway, part("一", 1, 2), part("二", 2, 2))
        clock.shift(REPEATS_FOR + timedelta(seconds=1))
        keep(gateway, part("一", 1, 2), part("二", 2, 2))
    assert texts() == ["一二", "一二"]


def test_a_reference_used_again_closes_what_was_not_complete(gateway):
    keep(gateway, part("一", 1, 2))
    keep(gateway, part("三", 1, 2), part("四", 2, 2))
    assert texts() == ["一", "三四"]
    assert [message.flags for message in InboundMessage.objects.order_by("pk")] == [["incomplete"], []]


def test_a_code_in_the_first_part_is_honoured_at_once_and_the_rest_joins(gateway):
    keep(gateway, part("TD\n原文: 您好", 1))
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}
    entries = LedgerEntry.objects.count()
    keep(gateway, part("再见", 3), part("谢谢", 2))
    apply_pending()
    assert InboundMessage.objects.count() == Refusal.objects.count() == 1
    assert LedgerEntry.objects.count() == entries
    long_message = LongMessage.objects.get()
    assert long_message.closed_at is not None
    assert long_message.message == InboundMessage.objects.get()
    assert long_message.parts.count() == 3


def test_a_refusal_in_parts_is_confirmed_once(gateway):
    keep(gateway, part("TD\n原文: 您好", 1))
    apply_pending()
    keep(gateway, part("再见", 3), part("谢谢", 2))
    apply_pending()
    for text, number in (("请不要", 1), ("再发短信", 2)):
        keep(gateway, part(text, number, 2, reference=8))
        apply_pending()
    assert Refusal.objects.count() == 2
    assert OutgoingMessage.objects.get().suppression == Refusal.objects.get(first=True).suppression


def test_parts_that_are_waited_for_in_vain_are_confirmed_no_more(gateway):
    keep(gateway, part("请不要再发短信", 1))
    with time_machine.travel(timezone.now() + WAIT):
        read_overdue(wait=WAIT)
        apply_pending()
    assert refused_by(PERSON) == {"BANK"}
    assert not OutgoingMessage.objects.exists()


def test_what_is_no_code_waits_for_the_rest(gateway):
    keep(gateway, part("请不要", 1, 2))
    assert texts() == []
    keep(gateway, part("再发短信", 2, 2))
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}


def test_a_code_in_a_later_part_waits_for_what_stands_before_it(gateway):
    keep(gateway, part("TD", 2, 2))
    assert texts() == []


def test_what_never_becomes_complete_counts_as_it_is(gateway):
    keep(gateway, part("请不要再发短信", 1))
    assert read_overdue(wait=WAIT) == 0
    with time_machine.travel(timezone.now() + WAIT):
        assert read_overdue(wait=WAIT) == 1
        assert read_overdue(wait=WAIT) == 0
    apply_pending()
    assert refused_by(PERSON) == {"BANK"}
    assert InboundMessage.objects.get().flags == ["incomplete"]


def test_what_is_incomplete_and_no_refusal_goes_before_a_person(gateway):
    keep(gateway, part("我今天", 1), part("办事", 3))
    with time_machine.travel(timezone.now() + WAIT):
        read_overdue(wait=WAIT)
    apply_pending()
    message = InboundMessage.objects.get()
    assert (message.state, message.rule) == ("review", "incomplete")
    assert texts() == ["我今天\n办事"]


def test_a_part_after_the_time_is_a_message_of_its_own(gateway):
    keep(gateway, part("一", 1, 2))
    with time_machine.travel(timezone.now() + WAIT) as clock:
        read_overdue(wait=WAIT)
        keep(gateway, part("二", 2, 2))
        clock.shift(WAIT)
        read_overdue(wait=WAIT)
    assert texts() == ["一", "二"]


@pytest.mark.parametrize(("damaged", "read"), [([2], ["我今天"]), ([1, 2], [""])])
def test_damaged_parts_hold_nothing_up(gateway, damaged, read):
    keep(gateway, part("我今天", 1), part("去银行", 2))
    MessagePart.objects.filter(number__in=damaged).update(sealed=b"damaged")
    keep(gateway, part("请不要再发短信", 1, reference=8))
    with time_machine.travel(timezone.now() + WAIT):
        assert read_overdue(wait=WAIT) == 2
    assert texts() == [*read, "请不要再发短信"]
    apply_pending()
    assert InboundMessage.objects.earliest("pk").state == "review"
    assert refused_by(PERSON) == {"BANK"}


def test_a_clock_that_was_wrong_by_a_day_holds_nothing_up(gateway):
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        keep(gateway, part("一", 1, 2))
    assert read_overdue(wait=WAIT) == 1


def test_a_pseudonym_that_looks_like_a_number_is_nobodys(gateway):
    keep(gateway, part("TD", 1, 2, pseudonymous=True), part("", 2, 2, pseudonymous=True))
    keep(gateway, whole(pseudonymous=True))
    apply_pending()
    assert refused_by(PERSON) == set()
    assert set(InboundMessage.objects.values_list("rule", flat=True)) == {"unreadable_from"}


@pytest.mark.parametrize("odd", [{"pseudonymous": True}, {"flags": ("odd_from",)}])
def test_a_number_and_what_only_looks_like_it_are_two_people(gateway, odd):
    keep(gateway, part("请不", 1, 2), part("要再发短信", 2, 2, **odd))
    assert texts() == []
    keep(gateway, part("能明天", 1, 2, **odd), part("要再发吗", 2, 2))
    assert set(texts()) == {"能明天要再发短信", "请不要再发吗"}


@pytest.mark.parametrize("odd", [{"pseudonymous": True}, {"flags": ("odd_from",)}])
def test_to_nobody_nothing_is_said_and_nobody_honours_a_refusal_of_nobodys(gateway, people, odd):
    keep(gateway, whole("TD", **odd), whole("HELP", message_id="2", **odd))
    apply_pending()
    message = InboundMessage.objects.get(state="review")
    with translation.override("en"):
        assert masked_from(message) == "unreadable"
    assert refused(message, "refusal", people.operator) == "sender_unreadable"
    for member in (people.operator, people.second):
        say(message, "unreadable", member)
    assert (refused_by(PERSON), OutgoingMessage.objects.count()) == (set(), 0)


def test_a_number_that_may_be_two_peoples_is_nobodys(gateway):
    keep(gateway, whole(flags=("odd_from",)))
    apply_pending()
    assert refused_by(PERSON) == set()
    assert InboundMessage.objects.get().rule == "unreadable_from"


def test_a_repeat_is_known_by_its_id_and_without_one_is_another_reply(gateway):
    keep(gateway, whole(), whole())
    keep(gateway, whole())
    assert InboundMessage.objects.count() == 1
    keep(gateway, whole(message_id=""), whole(message_id=""))
    assert InboundMessage.objects.count() == 3
    apply_pending()
    assert Refusal.objects.filter(first=True).count() == 1


def test_an_id_without_a_year_is_another_one_next_year(gateway):
    now = timezone.now()
    for moment in (now, now.replace(year=now.year - 1), now):
        keep(gateway, whole(sent_at=moment))
    assert InboundMessage.objects.count() == 2


def test_parts_at_rest_hold_no_number_and_no_text(gateway):
    keep(gateway, part("请不要", 1))
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text || m::text FROM optout_messagepart t, optout_longmessage m")
        (row,) = cursor.fetchone()
    for secret in (PERSON, PERSON.encode().hex(), "请不要", "请不要".encode("utf-16-be").hex()):
        assert secret not in row


def test_parts_over_two_lines_at_once_become_one_reply(live_cast):
    live_cast.list(PORT)
    gateway = seal_secret("gateway", "secret")
    total = 12
    started = threading.Barrier(2)

    def line(numbers: range) -> None:
        started.wait()
        for number in numbers:
            keep(gateway, part(f"{number},", number, total), part(f"{number}.", number, total, reference=8))
        connection.close()

    # Each part comes over both lines, in opposite orders.
    lines = [threading.Thread(target=line, args=[numbers]) for numbers in (range(1, total + 1), range(total, 0, -1))]
    for thread in lines:
        thread.start()
    for thread in lines:
        thread.join()
    assert sorted(texts()) == sorted("".join(f"{n}{end}" for n in range(1, total + 1)) for end in ",.")
