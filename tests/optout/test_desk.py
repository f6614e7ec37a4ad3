"""The desk at which replies are judged: what waits, one message at a time, and on to the next."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from optout.desk import BUTTONS
from optout.labels import rule_in_words
from optout.models import InboundMessage, Verdict
from optout.services.apply import apply_pending
from optout.services.rules import RulesInForce
from registry.models import Application
from registry.services.rules import record_reject_code
from tests.conftest import SINCE, browser_of
from tests.optout.support import deliver, refused_by
from tests.optout.test_verdicts import DOUBTFUL, PERSON, broken, say, waits

LIST = reverse("admin:optout_inboundmessage_review")
NEXT = reverse("admin:optout_inboundmessage_next")


def page(message: InboundMessage) -> str:
    return reverse("admin:optout_inboundmessage_judge", args=[message.pk])


def shown(browser, message: InboundMessage, **headers: str) -> str:
    answer = browser.get(page(message), headers=headers)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def post(browser, message: InboundMessage, judgement: str, **form):
    given = {"reading": message.processed_at.isoformat(), "judgement": judgement}
    return browser.post(page(message), given | form)


def told(answer) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


@pytest.fixture
def operator(people):
    return browser_of(people.operator)


def ago(message: InboundMessage, **time: int) -> InboundMessage:
    InboundMessage.objects.filter(pk=message.pk).update(received_at=timezone.now() - timedelta(**time))
    return message


def test_the_oldest_stands_first_with_its_age_and_the_reason_in_words(cast, operator):
    young, old, older = (waits(person=f"1540000000{n}") for n in range(3))
    ago(old, hours=2)
    ago(older, days=3)
    answer = operator.get(LIST)
    assert [row["message"] for row in answer.context["rows"]] == [older, old, young]
    assert [re.findall("badge-(\\w+)", row["age"]) for row in answer.context["rows"]] == [["bad"], ["warn"], ["info"]]
    text = answer.content.decode()
    assert "Nearly a reject code" in text
    assert "154****0000" in text
    assert DOUBTFUL not in text


def test_a_longer_list_needs_no_more_queries(cast, operator, django_assert_max_num_queries):
    for n in range(8):
        waits(person=f"1540000000{n}")
    with django_assert_max_num_queries(10):
        operator.get(LIST)


def test_skipping_leads_to_the_next_oldest_and_at_the_end_back_to_the_list(cast, operator):
    first, second = ago(waits(), days=2), waits(person="15400000002")
    assert operator.get(NEXT)["Location"] == page(first)
    assert operator.get(NEXT, {"after": first.pk})["Location"] == page(second)
    assert operator.get(NEXT, {"after": second.pk})["Location"] == LIST
    for odd in ("x", "²", "9" * 40, "999"):
        assert operator.get(NEXT, {"after": odd})["Location"] == page(first)


def test_a_message_is_shown_in_its_context(cast, people, operator):
    cast.list_agents("10690001", signature="栗溪")
    record_reject_code(code="LX88", scope="institution", institution=cast.bank, valid_from=SINCE, by="tests")
    deliver(PERSON, "106900010001", "LX88", signature="栗溪")
    deliver("15400000009", "106900010001", "not this person")
    message = waits("if it costs, un\u200bsub\n<b>me</b>", port="106900010001", signature="栗溪")
    text = shown(operator, message)
    for part in (
        'un<span class="hm-unseen">U+200B</span>sub\n&lt;b&gt;me&lt;/b&gt;', "154****0001", "10690001*", "栗溪银行",
        "澄衡", "LX88", "Marketing, Collection · SMS, Voice", "generic", "Refusal",
    ):  # fmt: skip
        assert part in text, part
    for secret in (PERSON, "not this person"):
        assert secret not in text


def test_a_message_is_shown_in_chinese(cast, operator):
    text = shown(operator, waits(), **{"Accept-Language": "zh-CN"})
    for part in ("近似拒收码", "拒收的范围", "您的结论", "跳过"):
        assert part in text


def test_what_cannot_be_carried_by_a_page_is_shown_all_the_same(cast, operator):
    message = waits("\x00\ud83d 举报 <script>alert(1)</script>" + "x" * 30_000)
    text = shown(operator, message)
    assert '<span class="hm-unseen">U+0000</span><span class="hm-unseen">U+D83D</span>' in text
    assert "<script>alert" not in text
    assert "Only the beginning is shown." in text


def test_the_codes_in_force_for_the_port_are_shown(cast, operator):
    message = waits()
    codes = RulesInForce().codes(message.port, [], at=message.received_at)
    text = shown(operator, message)
    assert codes
    assert all(f"<code>{code}</code>" in text for code in codes)


def test_the_next_message_follows_at_once(cast, operator):
    first, second = ago(waits(), days=2), waits(person="15400000002")
    answer = post(operator, first, "refusal")
    assert answer["Location"] == page(second)
    assert refused_by(PERSON) == {"10690001"}
    last = operator.post(
        page(second), {"reading": second.processed_at.isoformat(), "judgement": "everyone"}, follow=True
    )
    assert last.redirect_chain[-1][0] == LIST
    assert told(last) == [f"Message {first.pk}: Refuses the sender.", f"Message {second.pk}: Refuses everyone."]
    assert "No reply waits for you." in last.content.decode()


def test_who_dismissed_sees_it_no_more_and_others_see_that_somebody_did(cast, people, operator):
    message = waits()
    assert post(operator, message, "none")["Location"] == LIST
    assert list(operator.get(LIST).context["rows"]) == []
    second = browser_of(people.second)
    assert "One person saw no refusal." in second.get(LIST).content.decode()
    assert "One person saw no refusal." in shown(second, message)
    post(second, message, "none")
    message.refresh_from_db()
    assert (message.state, message.intent) == ("done", "none")


def test_who_dismissed_is_told_that_it_waits_for_another_and_is_offered_no_second_dismissal(cast, people, operator):
    cast.list("10690001")
    message = waits()
    answer = post(operator, message, "none")
    assert told(operator.get(answer["Location"])) == [
        f"Message {message.pk}: No refusal. It waits for a second person to say so too."
    ]
    text = shown(operator, message)
    assert "You saw no refusal; another person must agree." in text
    assert buttons(operator, message) == ["refusal", "everyone"]
    again = post(operator, message, "help")
    assert (again.status_code, told(again)) == (409, ["Another person must decide this."])
    last = post(browser_of(people.second), message, "none")
    assert last.status_code == 302
    assert Verdict.objects.count() == 2


def test_who_dismissed_may_honour_after_all(cast, operator):
    cast.list("10690001")
    message = waits()
    post(operator, message, "none")
    post(operator, message, "refusal")
    assert refused_by(PERSON) == {"BANK"}


def test_nobody_is_said_to_have_seen_no_refusal_where_the_sender_cannot_be_read(cast, people, operator):
    message = waits("TD", person="a-pseudonym")
    post(operator, message, "unreadable")
    own, second = shown(operator, message), browser_of(people.second)
    assert "You closed it; another person must agree." in own
    assert "You may read this, and give no verdict." not in own
    assert buttons(operator, message) == []
    for text in (second.get(LIST).content.decode(), shown(second, message)):
        assert "One person closed it." in text
        assert "saw no refusal" not in text


def test_a_stale_form_does_nothing_says_so_and_leads_to_the_next(cast, people, operator):
    cast.list("10690001")
    message, other = ago(waits(), days=2), waits(person="15400000002")
    say(message, "refusal", people.second)
    answer = operator.post(
        page(message), {"reading": message.processed_at.isoformat(), "judgement": "none"}, follow=True
    )
    assert answer.redirect_chain[-1][0] == page(other)
    assert told(answer) == ["Nothing was done: it has changed since you looked. Somebody has judged it already."]
    assert Verdict.objects.count() == 1


@pytest.mark.parametrize("reading", ["", "x", "2024-01-01", "0001-01-01T00:00:00+23:59", "9" * 400])
def test_a_form_of_no_reading_does_nothing(cast, operator, reading):
    message = waits()
    assert operator.post(page(message), {"reading": reading, "judgement": "refusal"}).status_code == 302
    assert not Verdict.objects.exists()


def test_what_is_refused_keeps_what_was_written(cast, operator):
    message = waits("TD", port="nowhere")
    answer = post(operator, message, "refusal", note="Asked twice.", code="on")
    assert answer.status_code == 409
    assert told(answer) == ["Institution: Name the institution where the port cannot be read, and only there."]
    assert "Asked twice." in answer.content.decode()
    assert post(operator, message, "refusal", institution="BANK").status_code == 302
    assert refused_by(PERSON) == {"BANK"}


def test_a_judged_message_is_opened_no_more(cast, people, operator):
    message = waits()
    say(message, "refusal", people.operator)
    answer = operator.get(page(message), follow=True)
    assert told(answer) == [f"Message {message.pk} has been judged."]
    assert DOUBTFUL not in answer.content.decode()
    assert operator.get(reverse("admin:optout_inboundmessage_judge", args=[10**12])).status_code == 404


def test_an_auditor_reads_and_gives_no_verdict(cast, people):
    auditor, message = browser_of(people.auditor), waits()
    text = shown(auditor, message)
    assert DOUBTFUL in text
    assert 'name="judgement"' not in text
    assert told(post(auditor, message, "refusal")) == ["This is not yours to do."]
    assert not Verdict.objects.exists()


def buttons(browser, message: InboundMessage) -> list[str]:
    return re.findall('name="judgement" value="(\\w+)"', shown(browser, message))


def test_a_message_offers_the_verdicts_that_it_takes(cast, operator):
    assert buttons(operator, waits()) == ["refusal", "everyone", "none", "help", "opt_in"]
    assert buttons(operator, waits("TD", person="a-pseudonym")) == ["unreadable"]
    assert buttons(operator, broken()[0]) == ["refusal", "everyone", "none", "help", "opt_in", "again"]


def test_a_message_whose_sender_cannot_be_opened_is_shown_as_unreadable(cast, operator):
    message = waits()
    InboundMessage.objects.update(sealed_from=b"broken", sealed_raw=b"broken")
    text = shown(operator, message)
    assert "The text cannot be opened." in text
    assert buttons(operator, message) == ["unreadable"]
    assert "unreadable" in operator.get(LIST).content.decode()


def test_each_verdict_has_keys_of_its_own(cast, operator):
    keys = [key for button in BUTTONS for key in button.keys] + ["0", "s"]
    assert len(keys) == len(set(keys))
    # The theme's search takes these.
    assert not {"t", "/"} & set(keys)
    text = shown(operator, waits())
    assert 'data-keys="1 r" aria-keyshortcuts="1 r"' in text
    assert 'value="everyone" data-keys="2 e" data-twice aria' in text
    assert text.count("data-twice") == 1


def test_a_code_is_proposed_with_the_verdict(cast, people, operator):
    cast.list("10690001")
    answer = post(operator, waits("TD99"), "refusal", code="on")
    application = Application.objects.get()
    assert answer.status_code == 302
    assert (application.state, application.items.get().proposed["code"]) == ("submitted", "TD99")
    assert operator.get(reverse("admin:registry_application_change", args=[application.pk])).status_code == 200
    page_of_second = browser_of(people.second).get(reverse("admin:index")).content.decode()
    assert str(application) in page_of_second


def test_a_code_counts_only_beside_a_refusal(cast, operator):
    cast.list("10690001")
    message = waits("TD99")
    answer = operator.get(post(operator, message, "none", code="on")["Location"])
    assert told(answer) == [f"Message {message.pk}: No refusal. It waits for a second person to say so too."]
    assert not Application.objects.exists()


def test_a_code_that_cannot_be_proposed_costs_nobody_the_refusal(cast, operator):
    cast.list("10690001")
    answer = post(operator, waits("举报" + "啊" * 70), "refusal", code="on")
    assert told(operator.get(answer["Location"]))[1] == "Code: This text can be no code."
    assert refused_by(PERSON) == {"BANK"}


def test_the_home_page_counts_what_waits(cast, people):
    ago(waits(), days=2)
    waits(person="15400000002")
    tiles = browser_of(people.operator).get(reverse("admin:index")).context["home"]["tiles"]
    assert [(tile["count"], tile["link"], tile.get("late")) for tile in tiles[:2]] == [(2, LIST, None), (1, LIST, True)]
    home = browser_of(people.operator).get(reverse("admin:index")).content.decode()
    assert f'<a href="{LIST}">Replies to review: 2</a>' in home
    assert '<p class="good">' not in home
    auditors = browser_of(people.auditor).get(reverse("admin:index")).content.decode()
    assert "Replies to review: 2" not in auditors
    officers = browser_of(people.officer).get(reverse("admin:index")).context["home"]["tiles"]
    assert LIST not in {tile["link"] for tile in officers}


def test_a_message_that_was_read_again_shows_no_dismissal_of_before(cast, people, operator):
    message, _ = broken()
    say(message, "none", people.regulator)
    say(message, "again", people.operator)
    apply_pending()
    message.refresh_from_db()
    assert "One person saw no refusal." not in shown(operator, message)


def test_an_unreadable_sender_is_named_so_in_chinese(cast, operator):
    waits("TD", person="a-pseudonym")
    for page_of_list in (LIST, reverse("admin:optout_inboundmessage_changelist")):
        assert "无法辨认" in operator.get(page_of_list, headers={"Accept-Language": "zh-CN"}).content.decode()


def test_the_page_of_a_message_tells_who_judged_it_by_role(cast, people, operator):
    message = waits()
    say(message, "none", people.operator)
    text = operator.get(reverse("admin:optout_inboundmessage_change", args=[message.pk])).content.decode()
    assert "No refusal (Operator of the review queue)" in text


@pytest.mark.parametrize("rule", ["reject_code:7/3", "nearly_a_code/3", "no_text", "unprocessable:SealBroken"])
def test_a_rule_is_said_in_words(rule):
    assert rule_in_words(rule) != rule


@pytest.mark.parametrize("field", ["judgement", "institution", "note", "code", "reading"])
def test_a_form_that_nobody_wrote_is_answered(cast, operator, field):
    message = waits(port="none")
    given = {"reading": message.processed_at.isoformat(), "judgement": "refusal", "institution": "BANK"}
    for odd in ("\x00", "a\x00b", "²", "9" * 40):
        answer = operator.post(page(message), given | {field: odd})
        assert answer.status_code in (302, 409)
