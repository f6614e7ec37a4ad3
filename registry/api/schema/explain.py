"""Why a decision is as it is."""

from __future__ import annotations

from registry.api.schema.parts import ANYWHERE, BEARER, Resource, Schema, call, json_answer, json_body, record, ref
from registry.decisions.grounds import DENY, NOT_REACHED, PASS, STEPS
from registry.decisions.policy import REASONS
from registry.ledger.format import Kind
from registry.selectors.explanation import MODELS

_QUESTION = {"sender": "10690001", "recipient": "15400000001", "channel": "sms", "purpose": "collection"}
_STEP = {
    "step": "suspension",
    "verdict": "deny",
    "rows": [{"kind": "listing", "id": 7, "status": "suspended"}],
    "entries": [{"seq": 131, "kind": "sender_suspended", "recorded_at": "2026-01-31T04:00:00.000000Z"}],
}

SCHEMAS: dict[str, Schema] = {
    "ExplainedRow": {
        "type": "object",
        "description": "A row of the library, with the facts that decided.",
        "properties": {"kind": {"type": "string", "enum": list(MODELS)}, "id": {"type": "integer"}},
        "required": ["kind", "id"],
    },
    "ExplainedEntry": record(
        {
            "seq": {"type": "integer"},
            "kind": {"type": "string", "enum": [kind.value for kind in Kind]},
            "recorded_at": {"type": "string", "format": "date-time"},
        },
        description="The last ledger entry of a row that the decision could know.",
    ),
    "ExplainedStep": {
        "type": "object",
        "description": "One step, with what was judged of the question beside these fields.",
        "properties": {
            "step": {"type": "string", "enum": [name for name, _reason in STEPS]},
            "verdict": {"type": "string", "enum": [PASS, DENY, NOT_REACHED]},
            "rows": {"type": "array", "items": ref("ExplainedRow")},
            "entries": {"type": "array", "items": ref("ExplainedEntry")},
        },
        "required": ["step", "verdict", "rows", "entries"],
    },
    "Explanation": record(
        {
            "decision": {"type": "string", "enum": ["allow", "deny"]},
            "reason": {"type": "string", "enum": list(REASONS)},
            "institution": {"type": ["string", "null"]},
            "as_of": ref("AsOf"),
            "steps": {"type": "array", "items": ref("ExplainedStep"), "description": "In the order of judgement."},
        }
    ),
}

RESOURCE = Resource(
    name="explanations",
    description="Why the registry answers as it does. The web process alone explains.",
    schemas=SCHEMAS,
    paths={
        "/v1/decisions/explain": {
            "post": call(
                "explainDecision",
                "A decision, and what each of its steps rests on",
                description="Counts as a question against the key's budget. A refusal of another institution is never shown.",
                security=BEARER,
                body=json_body("As for one decision.", ref("Question"), {"collection by SMS": _QUESTION}),
                answers={
                    200: json_answer(
                        "The decision and its steps.",
                        ref("Explanation"),
                        {
                            "decision": "deny",
                            "reason": "sender_suspended",
                            "institution": "BANK-LX",
                            "as_of": {"seq": 408, "age_ms": 412, "stale": False},
                            "steps": [_STEP],
                        },
                    )
                },
                refusals=(
                    *ANYWHERE,
                    "invalid_json",
                    "unauthenticated",
                    "forbidden",
                    "invalid_request",
                    "budget_spent",
                    "index_not_ready",
                ),
            )
        }
    },
)
