"""Every door through which a person's number comes in, used as it is meant, and then as it is not.

A door is one function; `test_leaks` walks through all of them in this order and then looks everywhere. What is answered
may show a number only where its door says whose (`shown=`).
"""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import signal
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from config.openapi import DOCUMENT
from tests.faults.support import until
from tests.faults.test_providers import PROVIDERS
from tests.gateways.cmpp_gateway import CMPP2, Reply
from tests.gateways.receiving import Loop, gateway
from tests.leaks.marks import Mark, odd_spellings
from tests.leaks.stage import Site, Stage, Told, pk_of
from tests.people import PDF

Door = Callable[[Stage], None]
DOORS: list[Door] = []
PORT, BANK = "10690001", "BANK-LX"
# Work on files stands back for all other work of the machine.
PATIENT = 120.0


def door(use: Door) -> Door:
    DOORS.append(use)
    return use


def question(mark: Mark | str, **more: Any) -> dict[str, Any]:
    recipient = mark.national if isinstance(mark, Mark) else mark
    return {"sender": PORT, "recipient": recipient, "channel": "voice", "purpose": "collection", **more}


def refused(stage: Stage, mark: Mark) -> bool:
    return stage.node.ask(PORT, mark.national, channel="voice").get("reason") == "recipient_opted_out"


def await_refusal(stage: Stage, *marks: Mark) -> None:
    for mark in marks:
        until(lambda mark=mark: refused(stage, mark), what=f"{mark.national} never refused")


def table(rows: Iterable[Iterable[str]], encoding: str = "utf-8") -> bytes:
    csv.writer(text := io.StringIO()).writerows(rows)
    return text.getvalue().encode(encoding)


@door
def single_decisions(stage: Stage) -> None:
    for mark in stage.everybody():
        for spelling in odd_spellings(mark):
            for decisions in (False, True):
                stage.ask("POST", "/v1/decisions", question(spelling), decisions=decisions)


@door
def batches_and_streams(stage: Stage) -> None:
    items = [question(spelling) for mark in stage.everybody() for spelling in odd_spellings(mark)]
    lines = "\n".join(json.dumps(item) for item in items)
    lines += f'\n{{"recipient": "{stage.person().national}", "sender"\n"{stage.person().national}"\n'
    for decisions in (False, True):
        stage.ask("POST", "/v1/decisions/batch", {"items": items}, decisions=decisions)
        stage.ask(
            "POST", "/v1/decisions/stream", lines.encode(), decisions=decisions, Content_Type="application/x-ndjson"
        )


CAP = """
from datetime import UTC, datetime
from registry.services.rules import record_policy_row
params = {"purposes": ["collection"], "channels": ["sms", "voice"], "days": "any", "zone": "Asia/Shanghai",
          "calling_code": "86", "count": "attempt", "most": 3, "window": {"unit": "day", "length": 1}}
budget = {"clients": "carrier", "code": "", "recipients_per_day": 5000000, "alarm_at": 80, "zone": "Asia/Shanghai"}
since = datetime(2024, 7, 1, tzinfo=UTC)
record_policy_row(kind="frequency_cap", jurisdiction="CN", params=params, source="test", valid_from=since, by="tests")
record_policy_row(kind="budget", jurisdiction="CN", params=budget, source="test", valid_from=since, by="tests")
"""


@door
def caps_outcomes_and_budgets(stage: Stage) -> None:
    """A client may well name its calls by the number that it called."""
    done = stage.node.manage("shell", "--no-imports", "-c", CAP)
    assert done.returncode == 0, done.stderr
    mark = stage.person()

    def counted() -> bool:
        asked = question(mark, count=True, id=mark.national)
        return bool(stage.ask("POST", "/v1/decisions", asked, decisions=True).json()["counted"])

    until(counted, what="the cap never came into force")
    for one in [mark, *stage.everybody()]:
        for decisions in (False, True):
            stage.ask("POST", "/v1/decisions", question(one, count=True, id=f"call {one.e164}"), decisions=decisions)
            outcome = {"id": f"call {one.e164}", "outcome": "effective_call"}
            stage.ask("POST", "/v1/outcomes", {"items": [outcome, {"id": one.national, "outcome": "failed"}]}, decisions=decisions)  # fmt: skip


@door
def explanations(stage: Stage) -> None:
    for mark in stage.everybody():
        stage.ask("POST", "/v1/decisions/explain", question(mark))
    mark = stage.person()
    form = question(mark) | {"signature": ""}
    # The form shows what was typed into it to whoever typed it.
    stage.site("regulator").post("/admin/registry/listing/explain/", form, shown=(mark,))
    stage.site("regulator").post("/admin/registry/listing/explain/", form | {"at": "no time"}, shown=(mark,))


@door
def replies(stage: Stage) -> None:
    """Numbers as feeds spell them; then numbers in texts, ids and wherever else they do not belong."""
    marks = stage.everybody()
    for mark in marks:
        for number, spelling in enumerate(odd_spellings(mark)):
            answer = stage.reply(spelling, PORT, "TD", f"{mark.e164}-{number}")
            assert answer.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    await_refusal(stage, marks[0], marks[2])
    other, third = stage.person(), stage.person()
    assert stage.reply(other.national, PORT, f"我的号码是{third.national}，{other.national}不要再发").status == 200
    assert stage.reply(f"{other.national}/{third.national}", PORT, "TD").status == 200


@door
def providers(stage: Stage) -> None:
    for provider in PROVIDERS:
        for mark in (stage.person(), stage.person("iot")):
            path, body, headers = provider(stage.node, mark.national, f"m-{mark.national}")
            base = stage.node.demo["base_url"]
            assert stage.hear("POST", base, f"/v1/inbound{path}", body, headers).status == 200
            # The same body where it does not belong, without the secret, and broken.
            for wrong in ("/v1/inbound/nobody", "/v1/inbound/generic", f"/v1/inbound{path.partition('?')[0][:-1]}"):
                stage.hear("POST", base, wrong, body, headers)
            stage.hear("POST", base, f"/v1/inbound{path}", body[:-3], headers)


@door
def gateways(stage: Stage) -> None:
    """By CMPP: a whole reply, one in two parts, one whose other parts never come, and one that is cut off."""
    with Loop() as loop, gateway(loop, CMPP2) as running:
        record_receiver(stage, running)
        line = loop.do(running.line())
        mark, writer = stage.person(), stage.person()
        assert loop.do(line.deliver(Reply(sender=f"86{mark.national}", port=PORT))) == 0
        for number, text in enumerate((f"我是{writer.national}", "不要再发"), start=1):
            content = bytes([5, 0, 3, 77, 2, number]) + text.encode("utf-16-be")
            assert loop.do(line.deliver(Reply(text=content, sender=writer.national, port=PORT, tp_udhi=1))) == 0
        alone = Reply(text=bytes([5, 0, 3, 78, 3, 1]) + b"T", sender=stage.person().national, port=PORT, tp_udhi=1)
        assert loop.do(line.deliver(alone)) == 0
        line.write(Reply(sender=stage.person().national).body(CMPP2)[:40])
        await_refusal(stage, mark)


def record_receiver(stage: Stage, running: Any) -> None:
    fields = {"name": "js-mobile", "protocol": "cmpp", "version": "2.0", "host": "127.0.0.1", "tcp_port": running.port,
              "account": running.account, "secret": running.secret, "connections": 1, "window": 16, "enabled": "on",
              "bind": ""}  # fmt: skip
    answer = stage.site("administrator").post("/admin/optout/receiver/add/", fields)
    assert answer.status == 302, answer.body.decode()


@door
def verdicts(stage: Stage) -> None:
    """The text of a reply is for whoever must judge it, whatever it says."""
    writer, other = stage.person(), stage.person()
    stage.reply(writer.national, PORT, f"别打 {other.national} 这个号，我是 {writer.national}")
    site = stage.site("operator")
    path = until(lambda: next((p for p in pages_of_review(site) if other.core.encode() in site.get(p, shown=(writer, other)).body), ""))  # fmt: skip
    page = site.get(path, shown=(writer, other))
    reading = re.search(rb'name="reading" value="([^"]+)"', page.body)
    assert reading
    given = {"reading": reading[1].decode(), "judgement": "refusal", "code": "on"}
    # Its writer's number is refused in a note, and the note comes back to whoever wrote it.
    site.post(path, given | {"note": f"{writer.core[:3]}-{writer.core[3:]}"}, shown=(writer, other))
    assert site.post(path, given | {"note": "已核实"}, shown=(writer, other)).status == 302
    await_refusal(stage, writer)


def pages_of_review(site: Site) -> list[str]:
    page = site.get("/admin/optout/inboundmessage/review/").body.decode()
    return sorted(set(re.findall(r"/admin/optout/inboundmessage/review/\d+/", page)))


@door
def refusals_elsewhere(stage: Stage) -> None:
    for number, mark in enumerate(stage.everybody()):
        report = {"id": mark.national, "recipient": odd_spellings(mark)[-1], "sender": PORT, "origin": "call_centre"}
        assert stage.ask("POST", "/v1/refusals", report | {"evidence": f"录音 {number}"}).status == 201
        assert stage.ask("POST", "/v1/refusals", report | {"evidence": f"录音 {number}"}).status == 200
        # There a number is masked; where it cannot be recognised and repeats the recipient's, the report is refused.
        other = {"id": f"{mark.national} too", "evidence": f"录音 {stage.person().national} {mark.national}"}
        assert stage.ask("POST", "/v1/refusals", report | other).status == 201
        stage.ask("POST", "/v1/refusals", report | {"id": "y", "evidence": "-".join(mark.core)})
        stage.ask("POST", "/v1/refusals", report | {"id": "x", "refused_at": mark.national})
    # An institution reads who refused it.
    stage.ask("GET", "/v1/refusals?after=0", key=BANK, shown=tuple(stage.planted))


@door
def lists_of_refusals(stage: Stage) -> None:
    marks, wrong = stage.everybody(), stage.person()
    rows = [[odd_spellings(mark)[2], PORT, "", "", "letter", mark.national] for mark in marks]
    rows += [[wrong.national + "0000", PORT, "", "", "letter", ""], ["", wrong.national, "", "", "", ""]]
    rows += [[wrong.national, PORT, "", wrong.national, "", ""], [wrong.national, PORT, "", "", wrong.national, ""]]
    file = stage.file("list.csv", table(rows, "gb18030"))
    stage.manage("import_refusals", file, "--report", str(stage.folder / "report.csv"))
    stage.hear_file("report.csv")
    stage.manage("import_refusals", stage.file("broken.csv", wrong.national.encode() + b',"\n'), "--report", str(stage.folder / "none.csv"), fails=True)  # fmt: skip
    await_refusal(stage, marks[0])


@door
def files_of_replies(stage: Stage) -> None:
    mark, wrong = stage.person(), stage.person()
    item = {"id": mark.national, "from": f"+{mark.e164}", "to": PORT, "text": "TD"}
    lines = [json.dumps(item), json.dumps({"id": "1", "from": wrong.national}), json.dumps([wrong.national])]
    stage.manage("import_replies", stage.file("replies.jsonl", "\n".join(lines).encode()))
    stage.manage("import_replies", stage.file("broken.jsonl", f'{{"from": "{wrong.national}"'.encode()), fails=True)
    stage.manage("classify_replies", stage.file("texts.csv", table([["id", "text", "port", "codes"], ["1", f"{wrong.national} TD", PORT, "TD"]])), str(stage.folder / "read.csv"))  # fmt: skip
    stage.hear_file("read.csv")
    await_refusal(stage, mark)


@door
def consents(stage: Stage) -> None:
    for number, mark in enumerate(stage.everybody()):
        given = {"id": f"c{number}", "recipient": mark.national, "purposes": ["collection"], "channels": ["sms"],
                 "from": "22:00", "to": "23:00", "evidence": "合同 88 号"}  # fmt: skip
        assert stage.ask("POST", "/v1/consents", given, key=BANK).status == 201
        for wrong in (
            {"evidence": f"合同 {mark.national}"},
            {"id": f"y{number}", "evidence": stage.person().national},
            {"id": f"x{number}", "from": mark.national},
        ):
            stage.ask("POST", "/v1/consents", given | wrong, key=BANK)
        # A client is answered its own id.
        stage.ask("POST", "/v1/consents", given | {"id": mark.national}, key=BANK, shown=(mark,))
        stage.ask("POST", "/v1/consents/withdraw", {"id": mark.national}, key=BANK, shown=(mark,))
        stage.ask("POST", "/v1/consents/withdraw", {"id": f"c{number}"}, key=BANK)


def list_of(marks: list[Mark]) -> bytes:
    spelled = ([spelling, "x"] for mark in marks for spelling in odd_spellings(mark))
    return table([["recipient", "name"], *spelled, [marks[0].national + "000000000", "x"]])


def scrubbed(stage: Stage, scrub: int) -> bool:
    return bool(stage.ask("GET", f"/v1/scrubs/{scrub}").json()["state"] == "done")


@door
def scrubs(stage: Stage) -> None:
    """Their outputs are the client's own list."""
    for form, packed in (("csv", bytes), ("csv.gz", gzip.compress)):
        marks, wrong = stage.everybody(), stage.person()
        file = packed(list_of(marks))
        asked = f"/v1/scrubs?sender={PORT}&purpose=collection&form={form}"
        answer = stage.ask("POST", asked, file, Idempotency_Key=marks[0].national)
        assert answer.status == 202, answer.body
        scrub = answer.json()["id"]
        until(lambda scrub=scrub: scrubbed(stage, scrub), within=PATIENT)
        for output in ("results", "filtered", "rejected"):
            assert stage.ask("GET", f"/v1/scrubs/{scrub}/{output}", shown=tuple(marks)).status == 200
        stage.ask("POST", f"{asked}&column={wrong.national}&at={wrong.national}", file)
        stage.ask("POST", asked, f"{wrong.national}\x00\xff".encode("latin-1"))
    stage.ask("DELETE", f"/v1/scrubs/{scrub}")
    stage.ask("GET", "/v1/scrubs")


@door
def scrubs_in_the_site(stage: Stage) -> None:
    site, mark = stage.site("carrier"), stage.person()
    form = {"sender": PORT, "channel": "sms", "purpose": "collection", "form": "csv"}
    made = site.post("/admin/registry/scrub/new/", form, {"file": (f"{mark.national}.csv", table([[mark.national]]))})
    scrub = pk_of(made)
    until(lambda: scrubbed(stage, scrub), within=PATIENT)
    for output in ("results", "filtered", "rejected"):
        taken = site.get(f"/admin/registry/scrub/{scrub}/{output}/file/", shown=(mark,))
    # Found elsewhere later: whose copy is it?
    stage.manage("trace_export", stage.file("found.csv", taken.body), fails=True)
    wrong = stage.person()
    site.post("/admin/registry/scrub/new/", form | {"at": "2999-01-01T00:00", "column": wrong.national}, {"file": ("x.csv", table([[wrong.national]]))}, shown=(wrong,))  # fmt: skip
    site.post(f"/admin/registry/scrub/{scrub}/end/", {})


@door
def scrubs_by_the_command(stage: Stage) -> None:
    mark = stage.person()
    file = stage.file("to-scrub.csv", table([[mark.national], [mark.national + "00000000000"]]))
    # What it writes is for its caller alone, and outside the node.
    stage.manage("scrub", file, str(stage.folder / "scrubbed"), "--sender", PORT)
    wrong = stage.file("broken.parquet", mark.national.encode())
    stage.manage("scrub", wrong, str(stage.folder / "broken"), "--sender", PORT, "--format", "parquet", fails=True)


def refusal_in_the_site(stage: Stage, mark: Mark) -> int:
    """The row of a person who refuses now."""
    assert stage.reply(mark.national, PORT).status == 200
    await_refusal(stage, mark)
    page = stage.site("regulator").get("/admin/registry/suppression/").body.decode()
    return max(map(int, re.findall(r"/admin/registry/suppression/(\d+)/change/", page)))


@door
def looks_at_a_number(stage: Stage) -> None:
    mark = stage.person()
    site, row = stage.site("regulator"), refusal_in_the_site(stage, mark)
    path = f"/admin/registry/suppression/{row}/change/"
    shown = site.post(path, {"reason": "核对投诉"}, shown=(mark,))
    assert mark.national.encode() in shown.body
    site.post(path, {"reason": f"投诉人 {mark.national}"}, shown=(mark,))
    site.get(path)


@door
def looks(stage: Stage) -> None:
    """Who looked at a person, asked by the number."""
    mark, site = stage.person(), stage.site("regulator")
    refusal_in_the_site(stage, mark)
    for number in (mark.national, f"{mark.national}x"):
        site.post("/admin/registry/look/report/", {"recipient": number}, shown=(mark,))
    assert site.get("/admin/registry/look/1/change/").status == 200


@door
def corrections(stage: Stage) -> None:
    mark = stage.person()
    row = refusal_in_the_site(stage, mark)
    form = {"suppression": row, "ground": "reissued_number"}
    reasons = (f"原机主 {mark.national} 已销户", "号码已重新发放")
    for reason in reasons:
        answer = stage.site("regulator").post("/admin/registry/application/new/correct/", form | {"reason": reason}, {"evidence": (f"{mark.national}.pdf", PDF)}, shown=(mark,))  # fmt: skip
    path, second = f"/admin/registry/application/{pk_of(answer)}", stage.site("second")
    (letter,) = re.findall(rf"{path}/evidence/\d+/", second.get(f"{path}/change/").body.decode())
    second.get(letter)
    second.post(f"{path}/step/", {"step": "approve", "revision": 2, "reason": ""})
    until(lambda: not refused(stage, mark), what="the correction never took effect")


@door
def applications(stage: Stage) -> None:
    """A number of a person in the free words of an application.

    Numbers to be listed, and what a template prints, are facts of a sender that are to be published.
    """
    mark = stage.person()
    item = {"digits": "10690091", "match": "prefix", "holder": BANK, "carrier": "CARRIER-JY", "channels": ["sms"],
            "purposes": ["collection"], "valid_from": "2026-01-01"}  # fmt: skip
    body = {"kind": "list", "items": [item], "reason": "新增端口", "submit": False}
    made = stage.ask("POST", "/v1/applications", body, key=BANK, Idempotency_Key=mark.national)
    assert made.status == 201, made.body
    path = f"/v1/applications/{made.json()['id']}"
    for wrong in ({mark.national: "x"}, {"holder": mark.national}, {"valid_from": mark.national}):
        stage.ask("PUT", path, {"items": [item | wrong], "revision": 1, "reason": ""}, key=BANK)
    assert stage.ask("PUT", path, {"items": [item], "revision": 1, "reason": "改"}, key=BANK).status == 200
    letter = {"kind": "licence", "name": f"{mark.national}.pdf", "content": base64.b64encode(PDF).decode(), "revision": 2}  # fmt: skip
    assert stage.ask("POST", f"{path}/evidence", letter, key=BANK).status == 201
    for reason in (f"客户 {mark.national}", "提交"):
        done = stage.ask("POST", f"{path}/steps", {"step": "submit", "revision": 3, "reason": reason}, key=BANK)
    assert done.status == 200, done.body
    stage.ask("GET", path, key=BANK)
    stage.ask("GET", "/v1/applications?after=0", key=BANK)


@door
def applications_in_the_site(stage: Stage) -> None:
    mark, site = stage.person(), stage.site("officer")
    form = {"digits": "10690093", "match": "prefix", "holder": BANK, "carrier": "CARRIER-JY", "channels": ["sms"],
            "purposes": ["collection"], "valid_from": "2026-01-01T00:00", "draft": "on"}  # fmt: skip
    new = "/admin/registry/application/new/list/"
    site.post(new, form | {"reason": f"客户 {mark.national}"}, {}, shown=(mark,))
    draft = f"/admin/registry/application/{pk_of(site.post(new, form, {}))}"
    site.post(f"{draft}/attach/", {"kind": "letter", "revision": 1}, {"file": (f"{mark.national}.pdf", PDF)})
    site.post(f"{draft}/edit/", form | {"revision": 2, "reason": mark.national}, {}, shown=(mark,))
    site.post(f"{draft}/step/", {"step": "withdraw", "revision": 2, "reason": mark.national}, shown=(mark,))
    (listing,) = re.findall(r"/listing/(\d+)/change", site.get("/admin/registry/listing/?q=10690001").body.decode())[:1]
    bulk = {"listing": listing, "reason": f"客户 {mark.national}"}
    site.post("/admin/registry/listing/bulk/end_listing/", bulk, shown=(mark,))
    file = table([["10690092", "prefix", mark.national, "", "CARRIER-JY", "", "sms", mark.national, "2026-01-01", ""]])
    site.post("/admin/registry/application/import/", {"draft": "on"}, {"file": (f"{mark.national}.csv", file)})
    stage.manage(
        "import_senders", stage.file("senders.csv", file), "--report", str(stage.folder / "senders-report.csv")
    )
    stage.hear_file("senders-report.csv")


@door
def evidence_packages(stage: Stage) -> None:
    """A package is about a person, for who may ask for it; the page of its case is not."""
    mark, wrong, site = stage.person(), stage.person(), stage.site("regulator")
    new = "/admin/optout/evidencecase/new/"
    form = {"sender": "", "recipient": mark.national, "receipt": "", "since": "", "until": "", "reason": "法院调取"}
    refusal_in_the_site(stage, mark)
    # There is none before a checkpoint covers it, and each try would count.
    recorded = stage.node.ask(PORT, mark.national, channel="voice")["as_of"]["seq"]
    until(lambda: int(stage.ask("GET", "/v1/ledger/checkpoint").body.split(b"\n")[1]) >= recorded, within=PATIENT)
    assert site.post(new, form, shown=(mark,)).headers["content-type"] == "application/zip"
    for changes in ({"since": "x"}, {"receipt": wrong.national, "recipient": ""}, {"reason": f"{wrong.national} 投诉"}):
        site.post(new, form | changes, shown=(mark, wrong))
    (case, *_) = re.findall(
        r"/admin/optout/evidencecase/\d+/change/", site.get("/admin/optout/evidencecase/").body.decode()
    )
    site.get(case)
    site.post(case, {"again": "", "reason": "再次调取"}, shown=(mark,))
    package = str(stage.folder / "case.zip")
    stage.manage("evidence_package", package, "--reason", "法院调取", "--recipient", text=f"{mark.national}\n")


@door
def receipts(stage: Stage) -> None:
    mark = stage.person()
    refusal_in_the_site(stage, mark)
    (code, *_) = stage.manage("find_receipts", text=f"+{mark.e164}\n").split()
    stage.manage("find_receipts", text=f"{mark.national}x\n", fails=True)
    stage.ask("GET", f"/v1/receipts/{code}", key=None)
    stage.stranger().get(f"/v1/receipts/{code}")
    stage.stranger().get(f"/v1/receipts/{code}?form=json")
    wrong = stage.person()
    # In place of the code; the address is the visitor's own, and so is what the page repeats of it.
    stage.ask("GET", f"/v1/receipts/{wrong.national}", key=None)
    stage.stranger().get(f"/receipt?code={wrong.national}", shown=(wrong,))


@door
def who_is_a_number(stage: Stage) -> None:
    """A person may be looked up as if it were a sender: it is not listed, and the answer repeats the question."""
    for mark in stage.everybody()[:3]:
        stage.ask("GET", f"/v1/senders/{mark.national}", key=None, shown=(mark,))
        stage.stranger().get(f"/who?number={mark.national}", shown=(mark,))
        stage.ask("POST", "/v1/decisions", question(PORT) | {"sender": mark.national})
        stage.ask("POST", "/v1/decisions/explain", question(PORT) | {"sender": mark.national}, shown=(mark,))


@door
def confirmations(stage: Stage) -> None:
    """What goes to a person bears the number: the one place outside that is told."""
    mark = stage.person()
    stage.reply(mark.national, PORT)
    until(lambda: any(letter["to"] == mark.e164 for letter in stage.receiver.letters), what="never confirmed")


@door
def parts_away(stage: Stage) -> None:
    mark, during, after = stage.person(), stage.person(), stage.person()
    stage.node.kill("valkey", signal.SIGSTOP)
    try:
        assert stage.reply(during.national, PORT).status == 200
        stage.ask("POST", "/v1/decisions", question(mark, count=True, id="away"), decisions=True)
        stage.ask("POST", "/v1/decisions/explain", question(mark))
    finally:
        stage.node.kill("valkey", signal.SIGCONT)
    stage.node.kill("postgres")
    stage.reply(after.national, PORT)
    stage.ask("POST", "/v1/refusals", {"id": "away", "recipient": mark.national, "sender": PORT, "origin": "letter"})
    for one in (mark, after):
        stage.node.accepted(one.national, PORT)
        stage.ask("POST", "/v1/refusals", {"id": f"back {one.core}", "recipient": one.national, "sender": PORT, "origin": "letter"})  # fmt: skip
    await_refusal(stage, during, after)


MISTAKEN_BODIES = (
    '{{"recipient": "{0}", "sender": ',
    '{{"{0}": 1, "recipient": {{"{0}": []}}, "id": {0}, "items": "{0}"}}',
    '{{"sender": "10690001", "recipient": {0}, "id": {0}, "origin": "{0}", "purpose": "{0}", "at": "{0}"}}',
    '{{"items": [{{"sender": "10690001", "recipient": "{0}", "channel": "{0}"}}, {{"id": "{0}", "outcome": "{0}"}}, "{0}"]}}',
    '"{0}"',
    "{0}\x00{0}",
)


@door
def mistaken_requests(stage: Stage) -> None:
    """Each call of the API with a number in its path, query, headers and body, where none belongs.

    A look-up of a sender, and a page of a feed, begin by what they were asked for.
    """
    for path, operations in DOCUMENT["paths"].items():
        for method in operations:
            mark = stage.person()
            asked = re.sub(r"{\w+}", mark.national, path)
            shown = (mark,) if path.startswith(("/v1/senders/", "/v1/refusals")) else ()
            for body in MISTAKEN_BODIES:
                octets = body.format(mark.national).encode() if method != "get" else b""
                for key in ("", BANK):
                    stage.ask(method.upper(), f"{asked}?number={mark.national}&after={mark.national}", octets, key=key, shown=shown, Idempotency_Key=mark.national, Referer=f"https://a.example/?n={mark.national}", User_Agent=mark.national)  # fmt: skip
                if method == "get":
                    break
            for secret in (f"Bearer {mark.national}", f"Basic {base64.b64encode(mark.national.encode()).decode()}", mark.national):  # fmt: skip
                stage.ask(method.upper(), asked, key=None, shown=shown, Authorization=secret, X_Signature=f"t={mark.national},v1={mark.national}")  # fmt: skip


@door
def mistaken_pages(stage: Stage) -> None:
    """Each page with a number where its address has a row, and in its query; and a number as the name of a log-in.

    What a page repeats of its own address, or of the form that it answers, is shown to whoever typed it.
    """
    mark, stranger, regulator = stage.person(), stage.stranger(), stage.site("regulator")
    number = mark.national
    for name, password in ((number, "x"), ("officer", number)):
        stranger.post("/accounts/login/", {"login": name, "password": password}, shown=(mark,))
    for route in (*stage.routes(), f"admin/{number}/", number):
        if not route.startswith(("v1/", "^v1/")):
            path = "/" + re.sub(r"<[^>]+>|\(\?P<.*", number, route).strip("^$")
            for site in (stranger, regulator):
                site.get(f"{path}?q={number}&next=/admin/{number}/", shown=(mark,))
            stranger.post(path, {"name": number, "login": number}, shown=(mark,))
    # What was said about it waits in the visitor's own browser.
    regulator.get("/admin/", shown=(mark,))


@door
def canaries(stage: Stage) -> None:
    """The number of a canary is typed once; who asks about it sounds an alarm that names the asker alone."""
    mark, site = stage.person(), stage.site("regulator")
    form = {"recipient": mark.national, "reason": "投放于名单甲"}
    site.post("/admin/registry/canary/new/", form | {"reason": f"投放 {mark.national}"}, shown=(mark,))
    path = f"/admin/registry/application/{pk_of(site.post('/admin/registry/canary/new/', form))}"
    assert stage.site("second").post(f"{path}/step/", {"step": "approve", "revision": 1, "reason": ""}).status == 302

    def alarms() -> list[str]:
        stage.ask("POST", "/v1/decisions", question(mark), decisions=True)
        page = site.get("/admin/registry/canaryalarm/").body.decode()
        return re.findall(r"/admin/registry/canaryalarm/\d+/change/", page)

    stage.ask("POST", "/v1/decisions/batch", {"items": [question(mark)]})
    alarm = until(alarms, what="no alarm was sounded")[0]
    site.post(alarm, {"note": f"号码 {mark.national}"}, shown=(mark,))
    site.post(alarm, {"note": "已约谈"})


@door
def erasures(stage: Stage) -> None:
    """A person is erased by two regulators, with a letter; nobody types the number."""
    mark, site = stage.person(), stage.site("regulator")
    row = refusal_in_the_site(stage, mark)
    page = site.get(f"/admin/registry/suppression/{row}/change/").body.decode()
    (subject,) = re.findall(r"subject=([0-9a-f-]{36})", page)[:1]
    form, letter = {"subject": subject, "waiver": "told_and_agreed"}, {"evidence": (f"{mark.national}.pdf", PDF)}
    new = "/admin/registry/application/new/erase/"
    for reason in (f"{mark.national} 申请删除", "本人申请删除"):
        answer = site.post(new, form | {"reason": reason}, letter, shown=(mark,))
    step = {"step": "approve", "revision": 2, "reason": ""}
    assert stage.site("second").post(f"/admin/registry/application/{pk_of(answer)}/step/", step).status == 302
    until(lambda: not refused(stage, mark), what="the person is still known")
    site.get(f"/admin/registry/suppression/{row}/change/")


@door
def records(stage: Stage) -> None:
    """Decisions that are kept, of numbers and of what is none; the client itself fetches whom it asked about."""
    for mark in stage.everybody():
        for number in (mark.national, f"{mark.national}000000"):
            kept = stage.ask("POST", "/v1/decisions", question(number, record=True), decisions=True).json()["record"]
            path = f"/v1/records/{kept}"
            until(lambda path=path, mark=mark: stage.ask("GET", path, shown=(mark,)).status == 200)
            stage.ask("GET", path, key=BANK)
            regulator = stage.site("regulator")
            row = pk_of_record(regulator, kept)
            regulator.get(f"/admin/registry/decisionrecord/{row}/change/")
            answer = regulator.post(f"/admin/registry/decisionrecord/{row}/download/", {}, shown=(mark,))
            assert answer.status == 200


def pk_of_record(site: Site, record: str) -> str:
    """The newest is the first of the list."""
    page = site.get("/admin/registry/decisionrecord/").body.decode()
    assert record in page
    return re.findall(r"/admin/registry/decisionrecord/(\d+)/change/", page)[0]


@door
def own_page(stage: Stage) -> None:
    """A person sees what is stored about the own number, after a code by SMS, and asks to be erased."""
    mark, wrong = stage.person(), stage.person()
    stage.reply(mark.national, PORT, f"TD，我的号码 {mark.national}")
    await_refusal(stage, mark)
    own = stage.stranger()
    own.post("/me/code", {"number": f"{wrong.national}x"}, shown=(wrong,))
    assert own.post("/me/code", {"number": odd_spellings(mark)[2]}).status == 303
    own.get("/me")

    def code() -> str:
        texts = [letter["text"] for letter in stage.receiver.letters if letter["to"] == mark.e164]
        return next((found[0] for text in texts if (found := re.search(r"\d{6}$", text))), "")

    own.post("/me/proof", {"code": mark.national}, shown=(mark,))
    assert own.post("/me/proof", {"code": until(code, what="no code came")}).status == 303
    for path in ("/me", "/me/data"):
        assert mark.national in own.get(path, shown=(mark,)).body.decode()
    own.post("/me/deletion", {"understood": "on"})
    site = stage.site("regulator")
    page = site.get("/admin/optout/deletionrequest/").body.decode()
    (path, *_) = re.findall(r"/admin/optout/deletionrequest/\d+/change/", page)
    for answer in (f"{mark.national} 无法删除", f"{wrong.national} 无法删除", "屏蔽仍须保留"):
        site.post(path, {"answer": answer}, shown=(mark, wrong))
    own.get("/me", shown=(mark,))
    own.post("/me/end", {})


@door
def purges(stage: Stage) -> None:
    stage.manage("purge")


@door
def pages(stage: Stage) -> None:
    """Every page of every role, in its lists with a number typed into the search; none shows a whole number."""
    for role in ("officer", "regulator", "operator", "administrator"):
        crawl(stage, stage.site(role))


def links(page: Told) -> list[str]:
    """Where a page leads within the site."""
    return [link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)"', page.body.decode())]


def crawl(stage: Stage, site: Site) -> None:
    """One page of each form that is led to. A reply's text is for whoever may read replies."""
    written = tuple(stage.planted)
    wanted, seen = ["/admin/", "/admin/search/"], set[str]()
    while wanted:
        path = wanted.pop(0)
        form = re.sub(r"\d+", "N", path.partition("?")[0])
        if form in seen or not path.startswith(("/admin/", "/accounts/2fa", "/accounts/password", "/ledger")):
            continue
        seen.add(form)
        page = site.get(path, shown=written if "/inboundmessage/review/" in path else ())
        if page.headers.get("content-type", "").startswith("text/html"):
            wanted += links(page)
        if re.fullmatch(r"/admin/(search|\w+/\w+)/", form):
            mark = stage.person()
            site.get(f"{path.partition('?')[0]}?q={mark.national}&s={mark.national}", shown=(mark,))


@door
def upkeep(stage: Stage) -> None:
    """The key of numbers is changed, indexes are copied and made anew, everything is verified."""
    snapshot = stage.node.data_dir / "index.snapshot"
    stage.manage("rotate_number_key")
    stage.manage("snapshot_index", str(snapshot))
    stage.manage("rebuild_index", "--from", str(snapshot))
    stage.manage("verify_ledger")
    stage.manage("verify_state")
    for path in ("/metrics", "/health/live", "/health/ready", "/v1/schema", "/v1/docs", "/v1/ledger/checkpoint",
                 "/v1/ledger/key", "/v1/ledger/proofs/inclusion?seq=2&size=3",
                 "/v1/ledger/proofs/consistency?from=2&to=3"):  # fmt: skip
        assert stage.ask("GET", path, key=None).status == 200, path
    after = 0
    while entries := stage.ask("GET", f"/v1/ledger/entries?after={after}").json()["entries"]:
        after += len(entries)


CUT = """
ALTER TABLE registry_ledgerentry DISABLE TRIGGER ALL;
ALTER TABLE registry_ledgerhead DISABLE TRIGGER ALL;
ALTER TABLE registry_suppression DISABLE TRIGGER ALL;
DELETE FROM registry_suppression WHERE id = (SELECT max(id) FROM registry_suppression);
DELETE FROM registry_ledgerentry WHERE seq = (SELECT max(seq) FROM registry_ledgerentry);
UPDATE registry_ledgerhead SET (seq, at, leaf_hash) =
    (SELECT seq, at, leaf_hash FROM registry_ledgerentry ORDER BY seq DESC LIMIT 1);
ALTER TABLE registry_suppression ENABLE TRIGGER ALL;
ALTER TABLE registry_ledgerhead ENABLE TRIGGER ALL;
ALTER TABLE registry_ledgerentry ENABLE TRIGGER ALL;
"""


@door
def lost_refusals(stage: Stage) -> None:
    """The last entry is gone, as after a restore; what the index still knew is saved, and put back."""
    mark = stage.person()
    file = stage.file("last.csv", table([[mark.national, PORT, "", "", "letter", ""]]))
    stage.manage("import_refusals", file, "--report", str(stage.folder / "last-report.csv"))
    await_refusal(stage, mark)
    with psycopg.connect(stage.secrets["DATABASE_URL"], autocommit=True) as console:
        console.execute(CUT)
    until(lambda: "ledger_behind" in stage.node.ready().body.decode(), what="the follower never noticed")
    stage.manage("rebuild_index")
    (lost,) = stage.node.data_dir.rglob("lost-refusals-*.sealed")
    stage.manage("import_refusals", str(lost))
    await_refusal(stage, mark)
