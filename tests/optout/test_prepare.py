"""Bring a database up to date, and notice when it is not this node's."""

import json
from dataclasses import replace

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from optout.management.commands.prepare_node import refuse_unfit
from optout.services.demo import write_demo_file
from optout.services.endpoints import issue_webhook_secret
from registry.models import Carrier, Institution, LedgerEntry, Listing, Mandate
from registry.services.demo import SENDERS, load_demo_library
from registry.terms import InstitutionType, Status
from tests.conftest import live_conninfo


def test_another_master_key_is_noticed_before_it_hides_every_refusal(db, settings):
    issue_webhook_secret("generic")
    settings.ENV = replace(settings.ENV, master_key=b"other" * 8)
    with pytest.raises(CommandError, match="MASTER_KEY"):
        call_command("prepare_node")


def test_a_database_that_forgets_what_it_acknowledged_is_refused(live):
    with psycopg.connect(**live_conninfo(), autocommit=True) as console:
        refuse_unfit(console)
        console.execute("SET synchronous_commit = off")
        with pytest.raises(CommandError, match="synchronous_commit"):
            refuse_unfit(console)


def test_preparing_twice_changes_nothing(db):
    call_command("prepare_node")
    before = LedgerEntry.objects.count()
    call_command("prepare_node")
    assert LedgerEntry.objects.count() == before


def test_the_demo_library_is_a_province_in_small(db):
    assert load_demo_library()
    assert not load_demo_library()
    assert Carrier.objects.count() >= 4
    assert Institution.objects.count() >= 30
    assert set(Institution.objects.values_list("type", flat=True)) == set(InstitutionType.values)
    assert Listing.objects.count() >= 300
    assert set(Listing.objects.values_list("status", flat=True)) == set(Status.values) - {"ended"}
    assert Mandate.objects.count() >= 5
    for name in ("white_prefix", "white_exact", "suspended", "black", "agent", "principal"):
        listing = Listing.objects.get(digits=getattr(SENDERS, name))
        assert (listing.channels, listing.purposes, listing.signature) == (["sms", "voice"], ["collection"], "")
    assert {row[:2] for row in Listing.objects.values_list("digits", flat=True)} >= {"10", "95", "96", "40", "05", "15"}


def test_the_demo_file_keeps_its_secrets(db):
    load_demo_library()
    path = settings.ENV.data_dir / "demo.json"
    path.unlink(missing_ok=True)
    write_demo_file(settings.ENV)
    first = json.loads(path.read_text())
    write_demo_file(settings.ENV)
    assert json.loads(path.read_text()) == first
    fresh = issue_webhook_secret("generic")
    write_demo_file(settings.ENV)
    assert json.loads(path.read_text()) == first | {"webhooks": first["webhooks"] | {"generic": {"secret": fresh}}}
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(first) == {
        "base_url", "decisions_url", "api_key", "clients", "logins", "webhooks", "senders",
    }  # fmt: skip
