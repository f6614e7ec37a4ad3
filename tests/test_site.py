"""The site: read-only lists, people masked, nothing for strangers."""

import asyncio
import json

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from config import urls  # noqa: F401 - it fills the site
from config.asgi import application
from optout.models import InboundMessage
from optout.services.apply import apply_pending
from optout.services.endpoints import issue_webhook_secret
from registry.api.health import ReadyView
from registry.models import Application, Member, Suppression
from registry.services.members import record_member
from registry.services.rules import record_reject_code
from tests.conftest import SINCE, browser_of
from tests.optout.support import deliver, item, post

# Members are the administrator's.
OURS = [
    model for model in admin.site._registry
    if model._meta.app_label in ("registry", "optout") and model is not Member
]  # fmt: skip
PERSON = "15412345678"


@pytest.fixture
def pages(cast):
    """The regulator's browser, with one of everything in the library."""
    cast.list_agents("10690001")
    deliver(PERSON, "10690001", "TD")
    deliver("a-pseudonym", "10690001", "TD")
    apply_pending()
    return browser_of(record_member(username="regulator", role="regulator", by="tests"))


def list_page(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


@pytest.mark.parametrize(("language", "title"), [("en", "Home | "), ("zh-CN", "首页 | ")])
def test_the_home_page_has_a_title(pages, language, title):
    text = pages.get(reverse("admin:index"), headers={"Accept-Language": language}).content.decode()
    assert text.partition("<title>")[2].partition("</title>")[0].strip().startswith(title)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_list_and_every_row_is_shown_and_nothing_can_be_changed(pages, model):
    answer = pages.get(list_page(model), {"q": "1"})
    assert answer.status_code == 200
    assert PERSON not in pages.get(list_page(model)).content.decode()
    row = model.objects.first()
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]) if row else None
    if page:
        shown = pages.get(page)
        assert shown.status_code == 200
        assert PERSON not in shown.content.decode()
        # A refusal's page takes a reason and shows the number, which its own tests try.
        assert pages.post(page, {}).status_code == (200 if model is Suppression else 403)
        assert pages.post(page.replace("change", "delete")).status_code == 403
    assert pages.get(list_page(model) + "add/").status_code == 403


@pytest.mark.parametrize("model", [Suppression, InboundMessage], ids=lambda model: model.__name__)
def test_a_row_that_is_not_there_is_not_found_and_its_address_is_not_repeated(pages, model):
    answer = pages.get(f"{list_page(model)}15400000001/change/")
    assert answer.status_code == 404
    assert "15400000001" not in answer.content.decode() + str(answer.cookies)


@pytest.mark.parametrize("query", [{"flags": "1"}, {"id": "x"}, {"endpoint__provider": "generic"}])
def test_a_look_up_that_the_page_does_not_offer_is_no_fault(pages, query):
    answer = pages.get(list_page(InboundMessage), query)
    assert answer.status_code in (200, 302, 400)


def test_the_filters_that_a_page_offers_work(pages):
    shown = pages.get(list_page(InboundMessage), {"state__exact": "review"}).content.decode()
    assert "unreadable_from" in shown
    assert "154****5678" not in shown


@pytest.mark.parametrize("model", [Suppression, InboundMessage], ids=lambda model: model.__name__)
def test_people_are_masked(pages, model):
    assert "154****5678" in pages.get(list_page(model)).content.decode()


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_a_longer_list_needs_no_more_queries(pages, cast, model, django_assert_max_num_queries):
    for n in range(5):
        cast.list(f"1069100{n}")
        deliver(f"1541234000{n}", "10690001", "TD")
    apply_pending()
    with django_assert_max_num_queries(12):
        pages.get(list_page(model))


def test_a_stranger_is_sent_to_the_log_in(db):
    for model in OURS:
        answer = Client().get(list_page(model))
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "application/xml", "nonsense"])
def test_the_api_answers_json_whatever_is_accepted(db, accept):
    # A receipt is a page too.
    receipt = [] if accept == "text/html" else [("/v1/receipts/none", {"format": "api"})]
    for path, query in (("/health/live", {}), *receipt, ("/v1/ledger/entries", {})):
        answer = Client().get(path, query, headers={"Accept": accept})
        assert answer.status_code in (200, 401, 404)
        assert "json" in answer["Content-Type"]
    delivered = post(json.dumps(item()).encode(), issue_webhook_secret("generic"), accept=accept)
    assert delivered.json()["accepted"] == 1


def test_ready_says_what_is_missing(db):
    ReadyView.migrated = False
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'optout'")
    answer = Client().get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert [reason.split(":")[0] for reason in answer.json()["reasons"]] == ["migrations_pending", "index_not_ready"]
    assert int(answer["Retry-After"]) > 0


def test_a_page_that_is_not_there_is_a_page_for_people_and_a_problem_for_machines(db):
    assert b"404" in Client().get("/nowhere").content
    assert Client().get("/v1/nowhere").json()["code"] == "not_found"


def test_an_upload_of_two_gigabytes_is_refused_and_not_kept():
    """With a page for people, in both languages; of what still comes, a bounded part is dropped."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": bytes(1024**2), "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/admin/registry/application/import/", "query_string": b"",
        "headers": [(b"content-length", str(2 * 1024**3).encode())],
    }  # fmt: skip
    asyncio.run(application(scope, receive, send))
    assert sent[0]["status"] == 413
    assert "文件过大" in sent[1]["body"].decode()


def test_a_code_is_ended_by_the_form_that_its_page_offers(cast, people):
    code = record_reject_code(code="OLD", scope="institution", institution=cast.bank, valid_from=SINCE, by="tests")
    browser = browser_of(people.officer)
    offered = browser.get(reverse("admin:registry_rejectcode_change", args=[code.pk])).context["offers"][0][1]
    form = browser.get(offered).context["form"]
    given = {name: value for name, value in form.initial.items() if value} | {
        "valid_to": "2099-01-01T00:00",
        "submit": "1",
    }
    assert browser.post(offered, given).status_code == 302
    application = Application.objects.get()
    people.step(application, "approve", people.regulator)
    code.refresh_from_db()
    assert code.valid_to is not None


def test_an_application_is_edited_in_the_form_that_made_it(people):
    application = people.submit(people.officer, "list", people.item())
    browser = browser_of(people.officer)
    page = reverse("admin:registry_application_edit", args=[application.pk])
    form = browser.get(page).context["form"]
    given = {name: value for name, value in form.initial.items() if value} | {"digits": "10690009", "submit": "1"}
    assert browser.post(page, given).status_code == 302
    application.refresh_from_db()
    assert (application.revision, application.state) == (2, "submitted")
    assert browser.post(page, {**given, "revision": "1"}).status_code == 422


def test_what_stands_against_a_proposal_is_said_on_its_form_and_nothing_is_kept(cast, people):
    cast.list("10690001", holder=cast.other)
    browser = browser_of(people.officer)
    page = reverse("admin:registry_application_new", args=["list"])
    answer = browser.post(page, people.item() | {"submit": "1"}, headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert "A listing stands on this number." in answer.content.decode()
    assert not Application.objects.exists()


def test_a_reason_that_the_database_does_not_take_is_refused(people):
    listing = people.cast.list("10690001")
    draft = people.draft(people.officer, "list", people.item("10690002"))
    step = reverse("admin:registry_application_step", args=[draft.pk])
    answer = browser_of(people.officer).post(step, {"step": "submit", "revision": 1, "reason": "a\0b"})
    assert answer.status_code == 409
    bulk = reverse("admin:registry_listing_bulk", args=["suspend"])
    assert browser_of(people.regulator).post(bulk, {"listing": listing.pk, "reason": "a\0b"}).status_code == 200
    listing.refresh_from_db()
    assert listing.status == "white"


def test_a_change_of_many_numbers_that_is_refused_leaves_no_draft(people):
    listing = people.cast.list("10690001")
    people.submit(people.regulator, "suspend", {"listing": listing.pk})
    before = Application.objects.count()
    bulk = reverse("admin:registry_listing_bulk", args=["suspend"])
    browser_of(people.second).post(bulk, {"listing": [listing.pk, "²"], "reason": "abc", "confirmed_items": "²"})
    assert Application.objects.count() == before


@pytest.mark.parametrize("page", ["member/abc/change/", "member/²/change/", f"member/{'9' * 30}/change/"])
def test_an_address_that_names_no_row_is_not_found(people, page):
    assert browser_of(people.administrator).get(reverse("admin:index") + "registry/" + page).status_code == 404


@pytest.mark.parametrize(
    "query", ["listing/?status__regex=(", "listing/?holder__type__range=a", "ledgerentry/?kind__regex=*"]
)
def test_a_look_up_typed_into_an_address_is_refused(people, query):
    assert browser_of(people.regulator).get(reverse("admin:index") + "registry/" + query).status_code == 400


@pytest.mark.parametrize("ticked", ["x", "9" * 40, "²"])
def test_a_ticked_row_that_is_none_is_refused(people, ticked):
    listing = people.cast.list("10690001")
    form = {"action": "bulk_end_listing", "_selected_action": [listing.pk, ticked]}
    assert browser_of(people.officer).post(reverse("admin:registry_listing_changelist"), form).status_code == 400
