"""Applications of an institution's programs."""

from __future__ import annotations

from registry.api.applications import MOST_LISTED, STEPS, USUALLY_LISTED
from registry.api.bodies import MOST_ITEMS
from registry.api.schema.ledger import whole_number
from registry.api.schema.parts import (
    ANYWHERE,
    BEARER,
    HEX_32,
    Resource,
    Schema,
    call,
    json_answer,
    json_body,
    record,
    ref,
)
from registry.models.applications import EvidenceKind
from registry.review import Kind, State, Step
from registry.services.applications import MOST_REASON
from registry.services.evidence import TYPES

_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "format": "int64", "minimum": 1},
}
_KIND: Schema = {"type": "string", "enum": [str(kind) for kind in Kind]}
_STATE: Schema = {"type": "string", "enum": [str(state) for state in State]}
_REVISION: Schema = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "description": "The one last seen."}
_REASON: Schema = {"type": ["string", "null"], "maxLength": MOST_REASON}
_CONFIRMED: Schema = {
    "type": ["integer", "null"],
    "minimum": 0,
    "maximum": 2**31 - 1,
    "description": "The number of items, where they are more than BULK_LIMIT.",
}
_ITEMS: Schema = {
    "type": "array",
    "items": {"type": "object", "description": "The fields of the kind: `docs/applications.md`."},
    "minItems": 1,
    "maxItems": MOST_ITEMS,
}
_TIME: Schema = {"type": "string", "format": "date-time"}
_ITEM = {
    "digits": "10690011", "match": "prefix", "holder": "BANK-LX", "carrier": "CARRIER-JY", "channels": ["sms"],
    "purposes": ["collection"], "valid_from": "2026-01-01",
}  # fmt: skip
_PROPOSED = {
    **_ITEM, "principal": None, "signature": None, "valid_from": "2025-12-31T16:00:00Z", "valid_to": None, "template": None,
}  # fmt: skip
_SUMMARY_EXAMPLE = {
    "id": 7, "kind": "list", "state": "submitted", "revision": 1, "since": "2026-01-31T04:00:00.000000Z", "due_at": None,
    "carrier": "CARRIER-JY", "about": False, "item_count": 1,
}  # fmt: skip
_EVIDENCE_EXAMPLE = {
    "id": 3, "kind": "licence", "name": "licence.pdf", "content_type": "application/pdf", "size": 9, "sha256": "5f" * 32,
}  # fmt: skip
_EXAMPLE = {
    **_SUMMARY_EXAMPLE,
    "digest": "c4" * 32,
    "open_steps": ["edit", "withdraw"],
    "items": [{"number": 1, "proposed": _PROPOSED, "row": None}],
    "evidence": [],
    "history": [
        {"seq": 410, "at": "2026-01-31T04:00:00.000000Z", "step": "draft", "state": "draft", "revision": 1, "reason": None},
        {"seq": 411, "at": "2026-01-31T04:00:00.000000Z", "step": "submit", "state": "submitted", "revision": 1, "reason": None},
    ],
}  # fmt: skip
_SUMMARY: Schema = {
    "id": {"type": "integer", "minimum": 1},
    "kind": _KIND,
    "state": _STATE,
    "revision": {"type": "integer", "minimum": 1, "description": "Each edit and each file makes a new one."},
    "since": {**_TIME, "description": "When it came into its state."},
    "due_at": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "Until when an answer is awaited, or a suspension's confirmation.",
    },
    "carrier": {"type": ["string", "null"], "description": "The code of the carrier that checks."},
    "about": {"type": "boolean", "description": "A regulator made it; the institution is heard."},
    "item_count": {"type": "integer", "minimum": 1},
}
_EVIDENCE: Schema = {
    "id": {"type": "integer", "minimum": 1},
    "kind": {"type": "string", "enum": list(EvidenceKind.values)},
    "name": {"type": "string"},
    "content_type": {"type": "string", "enum": sorted(TYPES.values())},
    "size": {"type": "integer", "minimum": 1},
    "sha256": HEX_32,
}

SCHEMAS: dict[str, Schema] = {
    "ApplicationSummary": record(_SUMMARY),
    "Applications": record(
        {"applications": {"type": "array", "items": ref("ApplicationSummary"), "maxItems": MOST_LISTED}}
    ),
    "Evidence": record(_EVIDENCE),
    "Attached": record(
        {**_EVIDENCE, "revision": {"type": "integer", "minimum": 1, "description": "The application's."}}
    ),
    "Application": record(
        {
            **_SUMMARY,
            "digest": {**HEX_32, "description": "What a review of this revision sees; its entries hold it."},
            "open_steps": {
                "type": "array",
                "items": {"type": "string", "enum": [str(step) for step in (Step.EDIT, *STEPS)]},
                "description": "What this key could do now; `edit` is PUT.",
            },
            "items": {
                "type": "array",
                "items": record(
                    {
                        "number": {"type": "integer", "minimum": 1},
                        "proposed": {"type": "object", "description": "Every field of the kind, in canonical form."},
                        "row": {"type": ["integer", "null"], "description": "What it became, once it is published."},
                    }
                ),
                "maxItems": MOST_LISTED,
            },
            "evidence": {"type": "array", "items": ref("Evidence")},
            "history": {
                "type": "array",
                "items": record(
                    {
                        "seq": {"type": "integer", "minimum": 1, "description": "The ledger's entry."},
                        "at": _TIME,
                        "step": {"type": "string", "enum": [*(str(step) for step in Step), "attach"]},
                        "state": _STATE,
                        "revision": {"type": "integer", "minimum": 1},
                        "reason": {"type": ["string", "null"], "description": "One's own words, or to oneself."},
                    }
                ),
            },
        }
    ),
    "NewApplication": record(
        {
            "kind": _KIND,
            "items": _ITEMS,
            "reason": _REASON,
            "submit": {"type": ["boolean", "null"], "default": True, "description": "Else it stays a draft."},
            "confirmed_items": _CONFIRMED,
        },
        optional=("reason", "submit", "confirmed_items"),
    ),
    "EditedApplication": record({"items": _ITEMS, "revision": _REVISION, "reason": _REASON}, optional=("reason",)),
    "StepTaken": record(
        {
            "step": {"type": "string", "enum": [str(step) for step in STEPS]},
            "revision": _REVISION,
            "reason": _REASON,
            "confirmed_items": _CONFIRMED,
        },
        optional=("reason", "confirmed_items"),
    ),
    "NewEvidence": record(
        {
            "kind": {"type": "string", "enum": list(EvidenceKind.values)},
            "name": {"type": "string", "minLength": 1, "maxLength": 255},
            "content": {
                "type": "string",
                "contentEncoding": "base64",
                "description": "At most 10 MiB: PDF, PNG or JPEG, told by its content.",
            },
            "revision": _REVISION,
        }
    ),
}

_KEYS = ("unauthenticated", "forbidden", *ANYWHERE)
_WRITES = ("invalid_json", "invalid_request", "stale_state", *_KEYS)
_SHOWN = json_answer("The application as it is now.", ref("Application"), _EXAMPLE)
_LOCATION = {"Location": {"required": True, "schema": {"type": "string"}}}

RESOURCE = Resource(
    name="applications",
    description=(
        "What an institution's officers do in the site, for its programs: keys of an institution with the scope "
        "`applications`. Checks and decisions are people's, in the site."
    ),
    schemas=SCHEMAS,
    paths={
        "/v1/applications": {
            "get": call(
                "listApplications",
                "One's own applications, and those about oneself",
                security=BEARER,
                parameters=[
                    whole_number("after", "Those with a larger id.", default=0),
                    whole_number("limit", f"At most so many; more than {MOST_LISTED:,} is that.", default=USUALLY_LISTED),
                    {"name": "state", "in": "query", "schema": _STATE},
                    {"name": "kind", "in": "query", "schema": _KIND},
                ],
                answers={200: json_answer("By id.", ref("Applications"), {"applications": [_SUMMARY_EXAMPLE]})},
                refusals=("invalid_request", *_KEYS),
            ),
            "post": call(
                "fileApplication",
                "Apply",
                description=(
                    "Drafted and submitted in one transaction: a refusal leaves nothing behind. The same body under the "
                    "same `Idempotency-Key` answers the application that it made."
                ),
                security=BEARER,
                parameters=[
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "The client's own name for this request.",
                        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                    }
                ],
                body=json_body(
                    "What is applied for.", ref("NewApplication"), {"a port": {"kind": "list", "items": [_ITEM]}}
                ),
                answers={
                    201: json_answer("A new application.", ref("Application"), _EXAMPLE, headers=_LOCATION),
                    200: json_answer("The one that this request made.", ref("Application"), _EXAMPLE, headers=_LOCATION),
                },
                refusals=(
                    "already_open", "already_listed", "confirmation_needed", "idempotency_key_reused", "findings",
                    "invalid_listing", *_WRITES,
                ),
            ),
        },
        "/v1/applications/{id}": {
            "get": call(
                "readApplication",
                "An application with all that belongs to it",
                security=BEARER,
                parameters=[_ID, whole_number("items_after", "Items with a larger number.", default=0)],
                answers={200: _SHOWN},
                refusals=("not_found", "invalid_request", *_KEYS),
            ),
            "put": call(
                "editApplication",
                "Other items: a new revision, and a draft again",
                security=BEARER,
                parameters=[_ID],
                body=json_body(
                    "The items instead.", ref("EditedApplication"), {"a port": {"items": [_ITEM], "revision": 1}}
                ),
                answers={200: _SHOWN},
                refusals=("not_found", *_WRITES),
            ),
        },
        "/v1/applications/{id}/steps": {
            "post": call(
                "takeStep",
                "Submit, withdraw, answer",
                security=BEARER,
                parameters=[_ID],
                body=json_body(
                    "The step.",
                    ref("StepTaken"),
                    {
                        "submit": {"step": "submit", "revision": 1},
                        "answer": {"step": "answer", "revision": 1, "reason": "我方已整改"},
                    },
                ),
                answers={200: _SHOWN},
                refusals=(
                    "not_found", "already_open", "already_listed", "confirmation_needed", "findings", "invalid_listing",
                    "reason_needed", *_WRITES,
                ),
            )
        },
        "/v1/applications/{id}/evidence": {
            "post": call(
                "attachEvidence",
                "A file that the application rests on",
                description="A repeat answers the same file. The body may have 14 MiB.",
                security=BEARER,
                parameters=[_ID],
                body=json_body(
                    "The file.",
                    ref("NewEvidence"),
                    {"a licence": {"kind": "licence", "name": "licence.pdf", "content": "JVBERi0xLjQK", "revision": 1}},
                ),
                answers={201: json_answer("Kept.", ref("Attached"), {**_EVIDENCE_EXAMPLE, "revision": 2})},
                refusals=("not_found", "invalid_file", *_WRITES),
            )
        },
    },
)  # fmt: skip
