"""The words of the site: the catalogue is whole, and every page speaks its reader's language and no other."""

import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from allauth.mfa.webauthn.internal.auth import WebAuthn
from babel.messages.pofile import read_po
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import translation

from docs import words
from optout.models import Receipt
from registry.errors import DomainError, Sentence
from registry.labels import said
from registry.login.urls import urlpatterns
from registry.models import Carrier, Institution, PolicyRow, RejectCode
from registry.review import Kind
from registry.services.log_in import give_totp
from registry.terms import PolicyKind
from tests import test_access
from tests.conftest import browser_of
from tests.passkey import Passkey
from tests.test_access import BULK, LISTS, NEW, PAGES, ROLES, SIMPLE, things_of

# Fixtures are known by their names in the module.
first_world, world = test_access.first_world, test_access.world

PLACEHOLDER = re.compile(r"%\(\w+\)s|%[sd]|\{\w*\}")


@pytest.fixture(scope="module")
def catalogue():
    return read_po(io.BytesIO(words.PO.read_bytes()), locale="zh_Hans")


def test_the_catalogue_holds_what_the_sources_say_and_nothing_else(catalogue):
    assert words.po_of(words.collected()) == words.PO.read_bytes(), "make words"
    assert not catalogue.obsolete


def test_every_message_has_a_finished_translation_with_the_same_placeholders(catalogue):
    for message in catalogue:
        if not message.id:
            continue
        english, chinese = (
            (message.id, message.string) if isinstance(message.id, str) else (message.id[1], message.string[0])
        )
        assert chinese, english
        assert not message.fuzzy, english
        assert set(PLACEHOLDER.findall(chinese)) == set(PLACEHOLDER.findall(english)), english


def test_the_compiled_catalogue_is_of_the_present_one():
    assert words.mo_of(words.PO.read_bytes()) == words.PO.with_suffix(".mo").read_bytes()


def test_a_sentence_with_values_is_said_in_either_language_and_stays_english_for_machines():
    why = Sentence("line %(line)s is too long for a row", line=7)
    whole = Sentence("The file cannot be taken: %(why)s.", why=why)
    assert whole == "The file cannot be taken: line 7 is too long for a row."
    assert json.dumps(DomainError("invalid_file", whole).detail) == json.dumps(str(whole))
    with translation.override("en"):
        assert said(whole) == whole
    with translation.override("zh-hans"):
        assert said(whole) == "无法接收该文件：第7行过长。"
        assert said("a sentence that nobody collected") == "a sentence that nobody collected"
        assert said("") == ""


def test_who_asks_for_no_language_is_answered_in_chinese(client, db):
    assert Visible(client.get(reverse("account_login")).content.decode()).language == "zh-hans"


class Visible(HTMLParser):
    """What a person sees or hears of a page: texts, and the attributes that are read out; neither code nor data."""

    SILENT = frozenset({"blockquote", "code", "kbd", "pre", "script", "style", "template", "textarea"})
    # They have no end of their own.
    VOID = frozenset({"base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.language = ""
        # What is open, and whether it is silent.
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = given.get("lang", "")
        foreign = given.get("lang", self.language) != self.language
        silent = self._is_silent() or foreign or "material-symbols-outlined" in given.get("class", "")
        if not silent:
            is_button = tag == "input" and given.get("type") in ("submit", "button", "reset")
            read = ("title", "placeholder", "aria-label", "alt", *(["value"] if is_button else []))
            self.texts += [given[name] for name in read if given.get(name)]
        if tag not in self.VOID:
            self._open.append((tag, silent or tag in self.SILENT))

    def handle_endtag(self, tag: str) -> None:
        while any(tag == name for name, _ in self._open):
            if self._open.pop()[0] == tag:
                break

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._is_silent():
            self.texts.append(" ".join(data.split()))

    def _is_silent(self) -> bool:
        return bool(self._open) and self._open[-1][1]


def pages_of(world, role: str, browser: Client) -> Iterator[tuple[str, HttpResponse]]:
    """The site's pages for one role: own things, empty lists, forms, refusals, and what is not for it."""

    def get(name: str, *arguments: Any, **query: Any) -> tuple[str, HttpResponse]:
        return name, browser.get(reverse(f"admin:{name}", args=arguments), query)

    def post(name: str, *arguments: Any, **form: Any) -> tuple[str, HttpResponse]:
        return f"POST {name}", browser.post(reverse(f"admin:{name}", args=arguments), form)

    listing, application, refusal = (world.things[name][0].pk for name in ("listing", "application", "suppression"))
    yield get("index")
    for name in LISTS:
        own, _ = things_of(world, name.partition("_")[2], role)
        yield get(f"{name}_changelist")
        # An empty list says the same to everybody.
        if role == "regulator":
            yield get(f"{name}_changelist", q="nothing")
        yield get(f"{name}_add")
        yield get(f"{name}_change", own.pk)
    for name, (model, _letters) in PAGES.items():
        if not name.endswith("evidence"):
            yield get(name, world.things[model][0].pk)
    for name in SIMPLE:
        yield get(name)
    for kind in Kind:
        if role in NEW[kind].split():
            yield get("registry_application_new", kind, listing=listing)
            yield post("registry_application_new", kind, digits="1", params="x", valid_from="x")
            if kind is Kind.POLICY_ROW:
                for policy_kind in PolicyKind:
                    yield get("registry_application_new", kind, kind=policy_kind)
                yield get("registry_application_new", kind, policy_row=world.things["policyrow"][0].pk)
            if kind in BULK:
                yield post("registry_listing_bulk", kind, listing=listing, reason="")
    if role == "officer":
        yield post("registry_application_import")
        for content in FILES:
            yield post("registry_application_import", file=SimpleUploadedFile("numbers.csv", content))
    if role in ("regulator", "operator"):
        yield post("registry_suppression_change", refusal, reason="")
        yield post("registry_suppression_change", refusal, reason="12345")
    if role == "administrator":
        yield post("registry_member_add")
        yield post("registry_member_add", username="U0", role="officer", password="1234", active="on")
    if LISTS["registry_application"][ROLES.index(role)] != "-":
        for step in ("check", "approve", "return"):
            yield post("registry_application_step", application, step=step, revision=0)


def pages_of_the_log_in(browser: Client, key: int) -> Iterator[tuple[str, HttpResponse]]:
    """What somebody finds about the own log-in: its pages, forms that are wrong, and the pages with what came of it."""
    for pattern in urlpatterns:
        if pattern.name in DOWNLOADS:
            continue
        page = reverse(pattern.name, args=[key] if "<" in str(pattern.pattern) else [])
        yield pattern.name, browser.get(page)
        if pattern.name != "account_logout":
            yield f"POST {pattern.name}", browser.post(page, {"code": "1", "password": "1", "oldpassword": "1"})


def pages_of_a_stranger(**headers: str) -> Iterator[tuple[str, HttpResponse]]:
    """The log-in, a failure, the lock, and a form that came too late."""
    browser, page = Client(**headers), reverse("account_login")
    yield "account_login", browser.get(page)
    for number in ("", "10690001", "106999999", "x"):
        yield "who", browser.get("/who", {"number": number} if number else {})
    yield "me", browser.get("/me")
    yield "POST me", browser.post("/me/code", {"number": "15400000001"})
    yield "receipt", browser.get(f"/v1/receipts/{Receipt.objects.first().code}", headers={"Accept": "text/html"})
    for _ in range(6):
        yield "POST account_login", browser.post(page, {"login": "U1", "password": "wrong"})
    yield "out of date", Client(enforce_csrf_checks=True, **headers).post(page)


def walk(world, language: str) -> Iterator[tuple[str, Visible]]:
    """Every page in `language`, under the name of its reader and its own."""
    headers = {"HTTP_ACCEPT_LANGUAGE": language}
    for name in ("operator", "officer", "auditor"):
        member = getattr(world.people, name)
        member.user.set_password("a-bridge-over-the-river")
        member.user.save()
        if name == "operator":
            give_totp(member=member)
            options = {"publicKey": {"user": {"id": "U1"}, "challenge": "U1"}}
            key = WebAuthn.add(member.user, "U1", json.loads(Passkey().created(options))).instance
        world.browsers[name] = browser_of(member)
    # As names they would look like words that nobody translated.
    User.objects.update(username=Concat(Value("U"), Cast("pk", CharField())))
    found: list[tuple[str, str, HttpResponse]] = []
    for role, browser in world.browsers.items():
        browser.defaults.update(headers)
        found += [(role, *page) for page in pages_of(world, role, browser)]
    for role in ("operator", "officer", "auditor"):
        found += [(role, *page) for page in pages_of_the_log_in(world.browsers[role], key.pk)]
    found += [("stranger", *page) for page in pages_of_a_stranger(**headers)]
    for role, name, answer in found:
        # What is not there is said in both languages.
        if answer.status_code != 404 and "html" in answer["Content-Type"] and answer.content:
            yield f"{role}: {name}", Visible(answer.content.decode())


FILES = (
    b"",
    b"digits\n1\n",
    b"10690009,prefix,BANK\n10690001,x,y,z\n1069000\n",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
)
DOWNLOADS = ("mfa_download_recovery_codes",)
# Codes, names of things, and words that are the same in every language.
DATA = re.compile(
    r"\{.*\}|`[^`]*`|https?://\S+|\S*\.(pdf|xlsx?|csv|png|jpe?g)\b"
    r"|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b[A-Z0-9][A-Z0-9-]+\b|\b[0-9a-f]{16,64}\b|\b[a-z]+(_[a-z]+)+(:[0-9/]+)?\b|：[a-z]+(, [a-z]+)*。"
    r"|\b[A-Z][a-z]+/[A-Za-z_]+\b"
    r"|\b(Haomaku|MiB|JavaScript|Parquet|gzip|English|zh-hans|generic|tests)\b|号码库|简体中文",
    # Between 中 and A there is a boundary.
    re.ASCII,
)


@pytest.mark.parametrize(("language", "foreign"), [("zh-hans", r"[A-Za-z]{3,}"), ("en", r"[\u4e00-\u9fff]")])
def test_every_page_speaks_its_readers_language_alone(world, language, foreign):
    rows = [(Institution, "name"), (Carrier, "name"), (RejectCode, "code"), (PolicyRow, "source")]
    names = [name for model, field in rows for name in model.objects.values_list(field, flat=True)]
    names = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))))
    wrong, pages = set(), 0
    for page, shown in walk(world, language):
        pages += 1
        assert shown.language == language, page
        wrong |= {(page, text) for text in shown.texts if re.search(foreign, DATA.sub("", names.sub("", text)))}
    assert not wrong, "\n".join(f"{page}: {text}" for page, text in sorted(wrong))
    assert pages > 250
