"""The people of the site, for tests: one of every role, and how their applications travel."""

from __future__ import annotations

from typing import Any

from registry.models import Application, Member
from registry.services.applications import Actor, draft_application, take_step
from registry.services.evidence import attach_evidence
from registry.services.members import record_member

PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF\n"


class People:
    """`officer` and `other` of two banks, `agent` of the agent, `carrier`, `regulator`, `second`, and the rest."""

    def __init__(self, cast: Any) -> None:
        self.cast = cast
        self.officer = _member("officer", "officer", institution=cast.bank)
        self.other = _member("other", "officer", institution=cast.other)
        self.agent = _member("agent", "officer", institution=cast.agent)
        self.carrier = _member("carrier", "carrier", carrier=cast.carrier)
        self.regulator = _member("regulator", "regulator")
        self.second = _member("second", "second")
        self.auditor = _member("auditor", "auditor")
        self.operator = _member("operator", "operator")
        self.administrator = _member("administrator", "administrator")

    def item(self, digits: str = "10690001", **changes: Any) -> dict[str, Any]:
        return {
            "digits": digits,
            "match": "prefix",
            "holder": "BANK",
            "carrier": "CARRIER",
            "channels": ["sms", "voice"],
            "purposes": ["collection"],
            "valid_from": "2024-07-01",
            **changes,
        }

    def draft(self, member: Member, kind: str, *items: dict[str, Any], evidence: str = "") -> Application:
        application = draft_application(kind=kind, items=items, actor=Actor(member))
        if evidence:
            attach_evidence(
                application_id=application.pk,
                kind=evidence,
                name="file.pdf",
                content=PDF,
                revision=application.revision,
                actor=Actor(member),
            )
            application.refresh_from_db()
        return application

    def step(self, application: Application, step: str, member: Member, **given: Any) -> Application:
        given = {"revision": application.revision, **given}
        return take_step(application_id=application.pk, step=step, actor=Actor(member), **given)

    def submit(self, member: Member, kind: str, *items: dict[str, Any], evidence: str = "") -> Application:
        return self.step(self.draft(member, kind, *items, evidence=evidence), "submit", member)

    def publish(self, member: Member, kind: str, *items: dict[str, Any], evidence: str = "") -> Application:
        """All the way of an officer's application."""
        application = self.submit(member, kind, *items, evidence=evidence)
        self.step(application, "check", self.carrier)
        return self.step(application, "approve", self.regulator)


def _member(name: str, role: str, **client: Any) -> Member:
    return record_member(username=name, role=role, by="tests", **client)
