"""Replies that a provider has and we may lack, out of its file."""

import json

import pytest
from django.core.management import CommandError, call_command

from optout.models import InboundMessage
from optout.services.apply import apply_pending
from optout.services.endpoints import issue_webhook_secret
from registry.models import Listing
from tests.optout.support import deliver, item, refused_by

PERSON = "15400000001"


@pytest.fixture
def run(tmp_path, capsys):
    def run_(content: str, *options: str, provider: str = "generic") -> str:
        issue_webhook_secret(provider)
        (tmp_path / "replies").write_text(content, "utf-8")
        call_command("import_replies", str(tmp_path / "replies"), "--provider", provider, *options)
        return capsys.readouterr().out.strip()

    return run_


@pytest.mark.parametrize("indent", [None, 2])
def test_what_was_lost_is_stored_and_what_is_known_is_not(cast, run, indent):
    cast.list("10690001")
    known, lost = item(), item("15400000002")
    deliver(known["from"], known["to"], known["text"], id=known["id"])
    content = json.dumps([known, lost], indent=indent)
    assert run(content) == "1 is new, 1 was known, 0 are no replies."
    assert run(content) == "0 are new, 2 were known, 0 are no replies."
    apply_pending()
    assert refused_by("15400000002") == {"BANK"}


def test_one_delivery_may_stand_on_each_line(cast, run):
    lines = [json.dumps(item(f"1540000000{n}")) for n in range(3)]
    assert run("\ufeff" + "\n\n".join(lines)).startswith("3 are new")


def test_one_text_may_spread_over_lines_as_it_likes(cast, run):
    lines = ",\n".join(json.dumps(item(person)) for person in ("15400000001", "15400000002"))
    assert run(f"[{lines}]").startswith("2 are new")


def test_other_providers_files_are_read_as_they_deliver(cast, run):
    cast.list("10690001")
    sent = {
        "phone_number": PERSON,
        "content": "TD",
        "dest_code": "99",
        "sequence_id": 7,
        "send_time": "2026-01-31 12:00:00",
    }
    assert run(json.dumps([sent]), "--port", "10690001", provider="aliyun").startswith("1 is new")
    apply_pending()
    assert "BANK" in refused_by(PERSON)
    form = "From=%2B8615400000002&To=10690001&Body=TD&MessageSid=SM1"
    assert run(form, provider="twilio").startswith("1 is new")


def test_the_replys_own_time_tells_whose_port_it_was(cast, run):
    listing = cast.list("10690001")
    Listing.objects.filter(pk=listing.pk).update(
        listed_at="2024-07-01T00:00:00Z", status="ended", ended_at="2025-01-01T00:00:00Z"
    )
    cast.list("10690001", holder=cast.other)
    run(json.dumps([item(received_at="2024-12-01T00:00:00Z"), item("15400000002", received_at="2999-01-01T00:00:00Z")]))
    apply_pending()
    assert (refused_by(PERSON), refused_by("15400000002")) == ({"BANK"}, {"OTHER"})


def test_a_delivery_that_cannot_be_read_is_told_and_the_others_are_stored(cast, run):
    with pytest.raises(CommandError, match=r"^1 delivery cannot be read"):
        run("{broken\n" + json.dumps(item()))
    assert InboundMessage.objects.count() == 1


def test_what_is_no_reply_is_named_by_its_place_and_code(cast, tmp_path, capsys):
    issue_webhook_secret("generic")
    lines = [json.dumps([item(), 7]), json.dumps({"id": "x"})]
    (tmp_path / "replies").write_text("\n".join(lines), "utf-8")
    call_command("import_replies", str(tmp_path / "replies"))
    said = capsys.readouterr()
    assert said.out.strip() == "1 is new, 0 were known, 2 are no replies."
    assert said.err.splitlines() == [
        "Delivery 1, item 2 is no reply: missing_from",
        "Delivery 2, item 1 is no reply: missing_from",
    ]


def test_without_a_file_or_an_endpoint_nothing_is_stored(db, tmp_path):
    (tmp_path / "replies").write_text("[]")
    with pytest.raises(CommandError, match="No secret was issued"):
        call_command("import_replies", str(tmp_path / "replies"))
    issue_webhook_secret("generic")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_replies", str(tmp_path / "none"))
