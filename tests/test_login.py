"""Logging in: who gets in, who is held, who is locked out, and when a session ends."""

import json
import re
import time
from dataclasses import replace
from io import StringIO

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from optout.services.demo import LOGINS, write_demo_file
from registry.errors import DomainError
from registry.ledger.verify import state_differences
from registry.login.limits import COOL_OFF, IDLE, LIMITS, LONGEST
from registry.login.urls import urlpatterns
from registry.models import LedgerEntry, Member
from registry.services.demo import load_demo_library
from registry.services.log_in import give_totp, reset_log_in
from registry.services.members import record_member
from tests.conftest import browser, browser_of
from tests.passkey import Passkey

LOG_IN, SECOND_STEP, SECURITY, HOME = "/accounts/login/", "/accounts/2fa/authenticate/", "/accounts/2fa/", "/admin/"
PASSWORD = "a-bridge-over-the-river"
NOW = 1_800_000_000
PAIR_LIMIT, NAME_LIMIT, ADDRESS_LIMIT = LIMITS.values()


def member(role="operator", username=None, **changes) -> Member:
    return record_member(username=username or role, password=PASSWORD, role=role, by="tests", **changes)


def code(secret: str, at: float = NOW) -> str:
    return format_hotp_value(hotp_value(secret, int(at) // 30))


def log_in(client: Client, username: str, password: str = PASSWORD, **given):
    return client.post(LOG_IN, {"login": username, "password": password, **given.pop("data", {})}, **given)


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def said(client: Client, page: str = LOG_IN) -> str:
    return client.get(page, headers={"Accept-Language": "en"}).content.decode()


@pytest.fixture(autouse=True)
def _passwords_are_hashed_quickly(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def clock(db):
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def regulator(clock):
    """A regulator with an authenticator app, whose secret is in `secret`."""
    found = member("regulator")
    found.secret = give_totp(member=found)
    return found


def at_second_step(username="regulator", **headers) -> Client:
    client = Client(**headers)
    answer = log_in(client, username)
    assert (answer.status_code, answer["Location"]) == (302, SECOND_STEP)
    return client


def test_a_member_without_second_factor_logs_in_by_name_and_password(db):
    member()
    client = browser()
    answer = log_in(client, "operator", data={"next": "/admin/registry/listing/"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/registry/listing/")
    assert is_in(client)


@pytest.mark.parametrize(
    ("username", "password"), [("operator", "wrong"), ("OPERATOR", PASSWORD), ("nobody", PASSWORD)]
)
def test_a_wrong_name_or_password_says_the_same(db, username, password):
    member()
    client = Client(headers={"Accept-Language": "en"})
    answer = log_in(client, username, password)
    assert answer.status_code == 200
    assert "The username and/or password you specified are not correct." in answer.content.decode()
    assert not is_in(client)


def test_nul_and_endless_texts_are_no_fault(db):
    for name in ("a\x00b", "x" * 5000, "\u202e"):
        assert log_in(browser(), name, "x\x00").status_code == 200


def test_the_session_gets_a_new_key_at_the_log_in(db):
    member()
    client = browser()
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = before = session.session_key
    log_in(client, "operator")
    assert client.session.session_key != before
    assert not Session.objects.filter(pk=before).exists()


def test_admins_own_log_in_leads_to_ours_and_keeps_next(db):
    answer = browser().get("/admin/login/?next=/admin/registry/listing/")
    assert (answer.status_code, answer["Location"]) == (302, f"{LOG_IN}?next=/admin/registry/listing/")
    member("regulator")
    client = browser()
    client.post("/admin/login/", {"username": "regulator", "password": PASSWORD})
    assert not is_in(client)


@pytest.mark.parametrize("elsewhere", [
    "https://example.com/", "//example.com/", "http://testserver:99/", "http://localhost/", "javascript:alert(1)",
    "/\\example.com", "http:///example.com",
])  # fmt: skip
def test_next_leads_nowhere_else(db, elsewhere):
    member()
    for given in ({"data": {"next": elsewhere}}, {"query_params": {"next": elsewhere}}):
        assert log_in(browser(), "operator", **given)["Location"] == HOME
    for page in ("/i18n/setlang/", "/accounts/logout/"):
        client = browser()
        log_in(client, "operator")
        answer = client.post(page, {"language": "en", "next": elsewhere})
        assert answer["Location"] in ("/", LOG_IN)


@pytest.mark.parametrize("path", [
    "/accounts/signup/", "/accounts/email/", "/accounts/password/reset/", "/accounts/",
    "/accounts/2fa/trust/", "/accounts/2fa/webauthn/signup/", "/accounts/confirm-email/",
])  # fmt: skip
def test_what_does_not_work_here_is_not_there(db, path):
    assert browser().get(path).status_code == 404


def test_the_form_needs_its_token(db):
    member()
    client = browser(enforce_csrf_checks=True)
    assert log_in(client, "operator").status_code == 403
    assert not is_in(client)


def test_a_name_that_is_somebodys_number_is_counted_and_not_kept(db):
    client = browser()
    for _ in range(4):
        assert log_in(client, "15400000001").status_code == 200
    assert log_in(client, "15400000001").status_code == 429
    assert log_in(client, "15400009999").status_code == 200
    assert "15400000001" not in str(AccessAttempt.objects.values())


def test_a_form_about_factors_that_a_stranger_sends_is_not_kept(db):
    client = browser()
    answer = client.post("/accounts/2fa/webauthn/keys/15400000001/remove/", {"name": "15400000001"})
    assert answer["Location"].startswith(LOG_IN)
    assert "account_reauthentication_state" not in client.session
    assert "15400000001" not in str(dict(client.session))


def test_a_regulator_logs_in_with_password_and_code(regulator):
    client = at_second_step()
    assert not is_in(client)
    answer = client.post(SECOND_STEP, {"code": code(regulator.secret)})
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert is_in(client)


def test_next_survives_the_second_step(regulator):
    client = browser()
    log_in(client, "regulator", data={"next": "/admin/registry/listing/"})
    answer = client.post(SECOND_STEP, {"code": code(regulator.secret)})
    assert answer["Location"] == "/admin/registry/listing/"


@pytest.mark.parametrize("wrong", ["000000", "", "12345", "x" * 500, "١٢٣٤٥٦", "0\x00"])
def test_a_wrong_code_is_refused(regulator, wrong):
    client = at_second_step()
    assert client.post(SECOND_STEP, {"code": wrong}).status_code == 200
    assert not is_in(client)


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_of_another_time_is_refused(regulator, steps):
    client = at_second_step()
    assert client.post(SECOND_STEP, {"code": code(regulator.secret, NOW + 30 * steps)}).status_code == 200
    assert not is_in(client)


def test_a_code_is_taken_once_whatever_process_answers(regulator, clock):
    first = at_second_step()
    first.post(SECOND_STEP, {"code": code(regulator.secret)})
    assert is_in(first)
    clock.shift(31)
    cache.clear()
    second = at_second_step()
    assert second.post(SECOND_STEP, {"code": code(regulator.secret)}).status_code == 200
    assert not is_in(second)
    # Nor one of an earlier step than the last taken.
    assert second.post(SECOND_STEP, {"code": code(regulator.secret, NOW - 30)}).status_code == 200
    assert second.post(SECOND_STEP, {"code": code(regulator.secret, NOW + 30)}).status_code == 302


def test_a_recovery_code_opens_once(regulator):
    spare = RecoveryCodes.activate(regulator.user).get_unused_codes()[0]
    first, second = at_second_step(), at_second_step()
    assert first.post(SECOND_STEP, {"code": spare}).status_code == 302
    assert is_in(first)
    assert second.post(SECOND_STEP, {"code": spare}).status_code == 200


def test_the_second_step_needs_the_first(regulator):
    assert browser().post(SECOND_STEP, {"code": code(regulator.secret)})["Location"] == LOG_IN


def test_secrets_of_authenticators_are_sealed_in_the_database(regulator):
    assert regulator.secret not in json.dumps(Authenticator.objects.get().data)


@pytest.mark.parametrize("role", ["regulator", "second", "auditor", "administrator"])
def test_who_needs_a_second_factor_and_has_none_is_held_at_its_set_up(db, role):
    member(role)
    client = browser()
    log_in(client, role)
    for path in (HOME, "/admin/registry/listing/", "/", "/admin/jsi18n/", "/accounts/password/change/",
                 "/accounts/2fa/webauthn/"):  # fmt: skip
        answer = client.get(path)
        assert answer.status_code == 302
        if path != "/":
            assert answer["Location"] == SECURITY
    assert client.post("/admin/registry/listing/", {})["Location"] == SECURITY
    assert "Your role needs a second factor." in said(client, SECURITY)
    assert client.get("/accounts/2fa/totp/activate/")["Location"].startswith("/accounts/reauthenticate/")
    assert b".site-page" in b"".join(client.get("/static/registry/site.css"))
    assert client.get("/health/live").status_code == 200
    assert client.get("/v1/ledger/entries").status_code == 401
    assert client.post("/accounts/logout/")["Location"] == LOG_IN
    assert client.get(HOME)["Location"].startswith("/admin/login/")


def test_setting_the_app_up_lets_the_member_in(live):
    member("auditor")
    client = browser()
    log_in(client, "auditor")
    page = "/accounts/2fa/totp/activate/"
    client.post(f"/accounts/reauthenticate/?next={page}", {"password": PASSWORD})
    shown = client.get(page).content.decode()
    secret = re.search(r'id="authenticator_secret"[^>]*value="([A-Z2-7]+)"', shown)[1]
    assert "data:image/svg+xml" in shown
    answer = client.post(page, {"code": code(secret, time.time())})
    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    assert len(re.findall(r"\b\d{8}\b", client.get(answer["Location"]).content.decode())) == 10
    assert is_in(client)


def test_an_older_session_of_the_password_alone_is_not_enough_once_there_is_a_factor(regulator):
    client = browser()
    client.force_login(regulator.user)
    assert client.get(HOME)["Location"] == LOG_IN
    assert "with your second factor" in said(client)
    assert not is_in(client)


def test_who_removes_the_factor_is_held_again(regulator):
    client = browser_of(regulator)
    assert is_in(client)
    Authenticator.objects.all().delete()
    assert client.get(HOME)["Location"] == SECURITY


def test_a_member_who_ended_is_out_at_once(db):
    found = member()
    client = browser_of(found)
    assert is_in(client)
    record_member(username="operator", role="operator", active=False, by="tests")
    assert client.get(HOME)["Location"] == LOG_IN
    assert "This log-in is no longer in use." in said(client)
    assert log_in(client, "operator").status_code == 200
    assert not is_in(client)


def test_a_log_in_without_a_member_is_sent_away(db):
    stranger = User.objects.create_user("stranger", password=PASSWORD, is_staff=True)
    client = browser()
    client.force_login(stranger)
    assert client.get(HOME)["Location"] == LOG_IN
    assert "This log-in is no longer in use." in said(client)
    assert not is_in(client)


def fail(times: int, username="operator", address="192.0.2.1", **headers):
    for _ in range(times):
        answer = log_in(Client(REMOTE_ADDR=address, **headers), username, "wrong")
    return answer


@pytest.mark.parametrize(("language", "words"), [("en", "Too many attempts"), ("zh-hans", "")])
def test_the_fifth_failure_locks_name_and_address_with_a_page_that_says_so(clock, language, words):
    member()
    assert fail(PAIR_LIMIT - 1).status_code == 200
    answer = fail(1, headers={"Accept-Language": language})
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert words in answer.content.decode()
    assert f'lang="{language}"' in answer.content.decode()
    right = browser(REMOTE_ADDR="192.0.2.1")
    assert log_in(right, "operator").status_code == 429
    assert not is_in(right)


def test_a_lock_holds_fifteen_minutes_and_trying_on_does_not_prolong_it(clock):
    member()
    fail(PAIR_LIMIT)
    clock.shift(COOL_OFF.total_seconds() - 60)
    assert fail(1).status_code == 429
    clock.shift(61)
    client = browser(REMOTE_ADDR="192.0.2.1")
    assert log_in(client, "operator").status_code == 302
    assert is_in(client)


def test_somebody_elses_failures_lock_neither_my_address_nor_my_name_too_soon(clock):
    member()
    fail(PAIR_LIMIT)
    assert log_in(browser(REMOTE_ADDR="192.0.2.2"), "operator").status_code == 302


def test_many_addresses_lock_the_name(clock):
    member()
    for n in range(NAME_LIMIT // 4):
        fail(4, address=f"192.0.2.{n + 10}")
    assert log_in(browser(REMOTE_ADDR="192.0.2.2"), "operator").status_code == 429


def test_many_names_lock_the_address_and_a_log_in_does_not_clear_it(clock, settings):
    settings.ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": ""}
    member()
    for n in range(ADDRESS_LIMIT - 1):
        fail(1, username=f"name{n}")
    assert log_in(browser(REMOTE_ADDR="192.0.2.1"), "operator").status_code == 302
    assert fail(1, username="another").status_code == 429
    assert log_in(browser(REMOTE_ADDR="192.0.2.1"), "operator").status_code == 429


def test_a_log_in_clears_the_failures_of_its_name(clock):
    member()
    for _ in range(2):
        fail(PAIR_LIMIT - 1)
        assert log_in(browser(REMOTE_ADDR="192.0.2.1"), "operator").status_code == 302


def test_wrong_codes_lock_as_wrong_passwords_do_and_the_password_alone_clears_nothing(regulator):
    for n in range(PAIR_LIMIT):
        client = at_second_step()
        answer = client.post(SECOND_STEP, {"code": "000000"})
        assert answer.status_code == (429 if n == PAIR_LIMIT - 1 else 200)
    assert client.post(SECOND_STEP, {"code": code(regulator.secret)}).status_code == 429
    assert not is_in(client)


def test_the_address_is_the_connections_unless_a_proxy_is_trusted(clock, settings):
    member()
    for n in range(PAIR_LIMIT):
        fail(1, headers={"X-Forwarded-For": f"198.51.100.{n}"})
    assert fail(1).status_code == 429
    settings.ENV = replace(settings.ENV, behind_proxy=True)
    for n in range(PAIR_LIMIT):
        fail(1, username="other", headers={"X-Forwarded-For": f"198.51.100.{n}, 203.0.113.9"})
    assert fail(1, username="other", address="192.0.2.7", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 429
    assert fail(1, username="other", headers={"X-Forwarded-For": "nonsense"}).status_code == 200


def test_a_session_ends_half_an_hour_after_its_last_request(clock):
    client = browser_of(member())
    for _ in range(3):
        clock.shift(IDLE.total_seconds() - 60)
        assert is_in(client)
    clock.shift(IDLE.total_seconds() + 1)
    answer = client.get("/admin/registry/listing/?q=1")
    assert answer["Location"] == f"{LOG_IN}?next=%2Fadmin%2Fregistry%2Flisting%2F%3Fq%3D1"
    assert "Your session has ended." in said(client)
    assert not is_in(client)


def test_a_session_ends_eight_hours_after_its_log_in(clock):
    client = browser_of(member())
    passed = 0
    while passed + 1500 < LONGEST.total_seconds():
        clock.shift(1500)
        passed += 1500
        assert is_in(client)
    clock.shift(1500)
    assert not is_in(client)


@pytest.mark.parametrize(("referer", "back_to"), [
    ("http://testserver/admin/registry/listing/7/change/?a=1", "/admin/registry/listing/7/change/?a=1"),
    ("http://example.com/admin/x/", HOME),
    ("http://testserver/accounts/logout/", HOME),
    ("", HOME),
])  # fmt: skip
def test_a_form_sent_after_the_end_does_nothing_and_leads_back_to_its_page(clock, referer, back_to):
    client = browser_of(member())
    clock.shift(IDLE.total_seconds() + 1)
    headers = {"Referer": referer} if referer else {}
    for _ in range(2):  # the second finds no session at all
        answer = client.post("/admin/registry/listing/7/approve/", {}, headers=headers)
        where, _, query = answer["Location"].partition("?next=")
        assert (where, query.replace("%2F", "/").replace("%3F", "?").replace("%3D", "=")) == (LOG_IN, back_to)
        assert "so nothing was done" in said(client)


def test_behind_a_proxy_its_word_decides_whether_cookies_are_secure(db, settings):
    member()
    over_https = {"headers": {"X-Forwarded-Proto": "https"}}
    assert not log_in(browser(), "operator", **over_https).cookies["sessionid"]["secure"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert log_in(browser(), "operator", **over_https).cookies["sessionid"]["secure"]


def test_cookies_are_closed_and_secure_over_https(db):
    member()
    for secure in (False, True):
        cookies = log_in(browser(), "operator", secure=secure).cookies
        session = cookies["sessionid"]
        assert (session["httponly"], session["samesite"], bool(session["secure"])) == (True, "Lax", secure)
        assert session["max-age"] == ""
        assert bool(cookies["csrftoken"]["secure"]) is secure


def test_a_member_changes_the_own_password(db):
    member()
    client = browser()
    log_in(client, "operator")
    page, fresh = "/accounts/password/change/", "another-bridge-over-it"
    for wrong in ({"oldpassword": "wrong", "password1": fresh, "password2": fresh},
                  {"oldpassword": PASSWORD, "password1": "short-one", "password2": "short-one"}):  # fmt: skip
        assert client.post(page, wrong).status_code == 200
    assert client.post(page, {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}).status_code == 302
    assert is_in(client)
    assert log_in(browser(), "operator").status_code == 200
    assert log_in(browser(), "operator", fresh).status_code == 302
    assert client.get("/admin/password_change/")["Location"] == page


@pytest.mark.parametrize("weak", ["short", "123456789012345", "password1234", "operator-operator"])
def test_a_weak_password_is_refused(db, weak):
    with pytest.raises(DomainError) as refusal:
        record_member(username="operator-operator", password=weak, role="operator", by="tests")
    assert refusal.value.code == "invalid_request"


def test_a_reset_gives_a_fresh_password_ends_the_sessions_and_leaves_an_entry(regulator):
    client = browser_of(regulator)
    other = browser_of(member())
    fail(PAIR_LIMIT, username="regulator", address="127.0.0.1")
    password = reset_log_in(member_id=regulator.pk, by="member:1")
    assert client.get(HOME).status_code == 302
    assert is_in(other)
    assert not Authenticator.objects.exists()
    fresh = browser()
    assert log_in(fresh, "regulator").status_code == 200
    assert log_in(fresh, "regulator", password)["Location"] == HOME
    assert fresh.get(HOME)["Location"] == SECURITY
    entry = json.loads(LedgerEntry.objects.latest("seq").body)
    assert (entry["kind"], entry["by"], entry["data"]["row"]["id"]) == ("member_log_in_reset", "member:1", regulator.pk)
    assert password not in json.dumps(entry)
    with pytest.raises(DomainError):
        reset_log_in(member_id=0, by="tests")


def test_a_reset_leaves_state_and_ledger_alike(live):
    reset_log_in(member_id=member("regulator").pk, by="tests")
    assert state_differences() == []


def test_the_console_records_the_first_administrator(db, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO())
    printed = StringIO()
    call_command("record_member", "root", "administrator", stdout=printed)
    password = printed.getvalue().strip()
    assert log_in(browser(), "root", password).status_code == 302
    # A known one keeps its password, and what is given is not printed.
    printed.truncate(0)
    call_command("record_member", "root", "auditor", stdout=printed)
    assert log_in(browser(), "root", password).status_code == 302
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n"))
    call_command("record_member", "root", "auditor", stdout=printed)
    assert log_in(browser(), "root").status_code == 302
    assert printed.getvalue().strip("\x00") == ""
    printed = StringIO()
    call_command("reset_log_in", "root", stdout=printed)
    assert log_in(browser(), "root", printed.getvalue().strip()).status_code == 302


@pytest.mark.parametrize(("arguments", "words"), [
    (["officer", "officer", "--institution", "NONE"], "Nothing has that code"),
    (["someone", "carrier"], "carrier"),
])  # fmt: skip
def test_the_console_refuses_what_does_not_fit(db, monkeypatch, arguments, words):
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(CommandError, match=words):
        call_command("record_member", *arguments)
    with pytest.raises(CommandError, match="no such member"):
        call_command("reset_log_in", "nobody")


def test_every_demo_log_in_works_as_the_file_says(clock, settings):
    load_demo_library()
    path = settings.ENV.data_dir / "demo.json"
    path.unlink(missing_ok=True)
    write_demo_file(settings.ENV)
    logins = json.loads(path.read_text())["logins"]
    assert set(logins) == set(LOGINS)
    for login in logins.values():
        client = browser()
        answer = log_in(client, login["username"], login["password"])
        assert (answer["Location"] == SECOND_STEP) is (login["totp_secret"] is not None)
        if login["totp_secret"]:
            client.post(SECOND_STEP, {"code": code(login["totp_secret"])})
        assert is_in(client)
    assert logins["regulator"]["totp_secret"]
    assert logins["officer"]["totp_secret"] is None


def test_an_older_demo_file_gets_its_secrets_and_keeps_its_passwords(db, settings):
    load_demo_library()
    path = settings.ENV.data_dir / "demo.json"
    path.unlink(missing_ok=True)
    write_demo_file(settings.ENV)
    old = json.loads(path.read_text())
    Authenticator.objects.all().delete()
    for login in old["logins"].values():
        del login["totp_secret"]
    path.write_text(json.dumps(old))
    write_demo_file(settings.ENV)
    new = json.loads(path.read_text())["logins"]
    assert {name: login["password"] for name, login in new.items()} == {
        name: login["password"] for name, login in old["logins"].items()
    }
    assert {name for name, login in new.items() if login["totp_secret"]} == {
        "administrator", "administrator2", "regulator", "second", "auditor",
    }  # fmt: skip


def test_the_site_speaks_chinese_unless_the_browser_or_the_person_asks_for_english(db):
    client = browser()
    assert 'lang="zh-hans"' in client.get(LOG_IN).content.decode()
    assert 'lang="zh-hans"' in client.get(LOG_IN, headers={"Accept-Language": "fr"}).content.decode()
    assert 'lang="en"' in client.get(LOG_IN, headers={"Accept-Language": "en-GB,zh;q=0.5"}).content.decode()
    assert client.post("/i18n/setlang/", {"language": "en", "next": LOG_IN})["Location"] == LOG_IN
    assert '<html lang="en"' in client.get(LOG_IN).content.decode()


def test_the_site_offers_security_password_and_language(db):
    shown = browser_of(member()).get(HOME, headers={"Accept-Language": "en"}).content.decode()
    for link in (SECURITY, "/accounts/password/change/", "/i18n/setlang/"):
        assert f'"{link}"' in shown


LOCAL = {"headers": {"Host": "localhost"}}


def js_data(client: Client, page: str) -> dict:
    shown = client.get(page, **LOCAL).content.decode()
    return json.loads(re.search(r'<script id="js_data" type="application/json">(.*?)</script>', shown)[1])


def with_passkey(client: Client, passkey: Passkey) -> None:
    """Add `passkey` to the log-in of `client`, which has the password alone so far."""
    page = "/accounts/2fa/webauthn/add/"
    client.post(f"/accounts/reauthenticate/?next={page}", {"password": PASSWORD}, **LOCAL)
    created = passkey.created(js_data(client, page)["creation_options"])
    answer = client.post(page, {"name": "my key", "credential": created, "passwordless": "on"}, **LOCAL)
    assert answer["Location"] == "/accounts/2fa/recovery-codes/", answer.content


def open_with(client: Client, passkey: Passkey, **headers):
    page = "/accounts/2fa/webauthn/login/"
    options = client.get(page, headers={"Host": "localhost", "Accept": "application/json"}).json()["request_options"]
    return client.post(page, {"credential": passkey.used(options)}, **LOCAL, **headers)


@pytest.fixture
def passkey(db):
    """A regulator's, who set it up as first and only factor."""
    member("regulator")
    client, key = browser(), Passkey()
    log_in(client, "regulator", **LOCAL)
    with_passkey(client, key)
    assert is_in(client)
    return key


def test_a_passkey_is_a_second_factor(passkey):
    client = at_second_step()
    options = js_data(client, SECOND_STEP)["request_options"]
    assert client.post(SECOND_STEP, {"credential": Passkey().used(options)}, **LOCAL).status_code == 200
    assert not is_in(client)
    options = js_data(client, SECOND_STEP)["request_options"]
    assert client.post(SECOND_STEP, {"credential": passkey.used(options)}, **LOCAL)["Location"] == HOME
    assert is_in(client)


def test_a_passkey_opens_without_password_even_while_the_name_is_locked(passkey):
    fail(PAIR_LIMIT, username="regulator", address="127.0.0.1")
    client = browser()
    assert open_with(client, passkey)["Location"] == HOME
    assert is_in(client)


def test_a_passkey_that_asks_for_no_finger_does_not_open_alone(passkey):
    passkey.flags = Passkey(verifies=False).flags
    client = browser()
    assert open_with(client, passkey)["Location"] == LOG_IN
    assert not is_in(client)


def test_an_answer_of_another_site_or_challenge_does_not_open(passkey):
    client = browser()
    passkey.origin = "https://example.com"
    assert open_with(client, passkey)["Location"] == LOG_IN
    passkey.origin = "http://localhost"
    stale = passkey.used({"publicKey": {"challenge": "AAAA"}})
    assert client.post("/accounts/2fa/webauthn/login/", {"credential": stale}, **LOCAL)["Location"] == LOG_IN
    assert not is_in(client)


def test_an_ended_members_passkey_opens_nothing(passkey):
    record_member(username="regulator", role="regulator", active=False, by="tests")
    client = browser()
    open_with(client, passkey)
    assert not is_in(client)


@pytest.mark.parametrize("nonsense", [
    "", "x", "[]", "7", "null", "{}", '{"response": 7}', '{"response": {"userHandle": "\\u0000"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", "authenticatorData": "AA",'
    ' "signature": "AA", "userHandle": "AA"}}',
    '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", "authenticatorData": "AA",'
    ' "signature": "AA", "userHandle": 7}}',
])  # fmt: skip
def test_nonsense_in_place_of_a_passkeys_answer_is_refused(passkey, nonsense):
    client = browser()
    page = "/accounts/2fa/webauthn/login/"
    client.get(page, headers={"Host": "localhost", "Accept": "application/json"})
    assert client.post(page, {"credential": nonsense}, **LOCAL)["Location"] == LOG_IN
    second = at_second_step()
    js_data(second, SECOND_STEP)
    assert second.post(SECOND_STEP, {"credential": nonsense}, **LOCAL).status_code == 200
    assert not is_in(second)


@pytest.mark.parametrize(
    ("host", "offered"), [("localhost:8000", True), ("127.0.0.1:8000", False), ("[::1]:8000", False)]
)
def test_passkeys_are_offered_only_where_browsers_take_them(db, host, offered):
    shown = Client().get(LOG_IN, headers={"Host": host}).content.decode()
    assert ("passkey_login" in shown) is offered


def test_who_has_a_factor_confirms_changes_of_it_by_it_not_by_the_password(regulator, clock):
    client = browser_of(regulator)
    page = "/accounts/2fa/totp/deactivate/"
    answer = client.get(page)
    assert answer["Location"].startswith("/accounts/2fa/reauthenticate/")
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD})["Location"].startswith("/accounts/2fa/")
    for _ in range(2):
        assert client.post(answer["Location"], {"code": "000000"}).status_code == 200
    assert client.post(answer["Location"], {"code": code(regulator.secret)})["Location"] == page
    # Nor does the only factor of a role that needs one go.
    assert client.post(page).status_code == 200
    assert is_in(client)
    assert page not in client.get(SECURITY).content.decode()


def test_an_optional_factor_can_be_removed(clock):
    found = member()
    secret = give_totp(member=found)
    client = browser_of(found)
    page = "/accounts/2fa/totp/deactivate/"
    client.post(client.get(page)["Location"], {"code": code(secret)})
    assert client.post(page)["Location"] == SECURITY
    assert log_in(browser(), "operator")["Location"] == HOME


def test_keys_are_listed_renamed_and_removed(passkey):
    client = browser()
    open_with(client, passkey)
    key = Authenticator.objects.get(type="webauthn")
    assert "my key" in client.get("/accounts/2fa/webauthn/").content.decode()
    options = js_data(client, f"/accounts/2fa/webauthn/reauthenticate/?next={SECURITY}")["request_options"]
    client.post("/accounts/2fa/webauthn/reauthenticate/", {"credential": passkey.used(options)}, **LOCAL)
    client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/edit/", {"name": "desk"})
    assert "desk" in client.get("/accounts/2fa/webauthn/").content.decode()
    client.post(f"/accounts/2fa/webauthn/keys/{key.pk}/remove/")
    assert client.get(HOME)["Location"] == SECURITY


def test_a_form_of_another_session_says_that_nothing_was_done(db):
    client = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    for path in (LOG_IN, "/admin/registry/listing/"):
        answer = client.post(path, {})
        assert answer.status_code == 403
        assert "Nothing was done." in answer.content.decode()


def test_too_many_requests_of_any_kind_get_the_same_page(clock):
    page = "/accounts/2fa/webauthn/login/"
    client = Client(headers={"Accept-Language": "en", "Host": "localhost"})
    answers = [client.post(page, {"credential": "{}"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert "Wait a minute" in answers[-1].content.decode()


def test_every_page_of_the_log_in_has_labels_and_loads_nothing_from_elsewhere(regulator):
    client = browser_of(regulator)
    client.post("/accounts/2fa/reauthenticate/", {"code": code(regulator.secret)})
    names = [route.name for route in urlpatterns if "<" not in str(route.pattern)]
    assert len(names) > 12
    for name in names:
        answer = client.get(reverse(name))
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            # What follows is the theme's own search box.
            shown = answer.content.decode().partition('<div class="site-page')[2].partition("x-data=")[0]
            assert not re.search(r"(?:src|href|action)=[\"']?(?:https?:)?//", shown), name
            assert "<main" in shown
            fields = re.findall(r"<(?:input|textarea)[^>]*>", shown)
            for field in fields:
                named = re.search(r'id="([^"]+)"', field)
                assert 'type="hidden"' in field or f'for="{named[1]}"' in shown, (name, field)
