"""`/v1/refusals` in OpenAPI."""

from __future__ import annotations

from optout.api.refusals import MOST_EVIDENCE, MOST_ID
from optout.models import Elsewhere
from registry.api.schema.parts import ANYWHERE, BEARER, Resource, Schema, call, json_answer, json_body, record, ref
from registry.numbers import MAX_SPELLING

_NO_STORE: Schema = {"Cache-Control": {"required": True, "schema": {"type": "string", "const": "no-store"}}}
_NUMBER: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_SPELLING}
_RECEIPT = {"receipt": "Jm0yVh1QkY6h3nT4b9XwZc2e"}

RESOURCE = Resource(
    name="refusals",
    description="Refusals made elsewhere than in a reply: to a call centre, by a key, at a counter, by letter.",
    schemas={
        "MadeElsewhere": record(
            {
                "id": {"type": "string", "minLength": 1, "maxLength": MOST_ID, "description": "The client's own."},
                "recipient": {**_NUMBER, "description": "Who refused, in any spelling."},
                "sender": {"type": ["string", "null"], "maxLength": MAX_SPELLING, "description": "The number refused."},
                "institution": {
                    "type": ["string", "null"],
                    "maxLength": 32,
                    "description": "Instead of `sender`: the code of the institution refused.",
                },
                "origin": {"type": "string", "enum": list(Elsewhere.values)},
                "refused_at": {
                    "type": ["string", "null"],
                    "format": "date-time",
                    "description": "With offset, not in the future; tells whose number it was. Default: now.",
                },
                "evidence": {
                    "type": ["string", "null"],
                    "maxLength": MOST_EVIDENCE,
                    "description": "What proves it, without the recipient's number; the ledger holds its hash alone.",
                },
            },
            optional=("sender", "institution", "refused_at", "evidence"),
        ),
        "Recorded": record({"receipt": {"type": "string", "description": "For `/v1/receipts/{code}`."}}),
    },
    paths={
        "/v1/refusals": {
            "post": call(
                "reportRefusal",
                "A person refused elsewhere than in a reply",
                description=(
                    "201 means in the ledger; every node follows. The same id and content under the same key answers the same "
                    "receipt. An institution's key reports refusals of itself alone."
                ),
                security=BEARER,
                body=json_body(
                    "The refusal.",
                    ref("MadeElsewhere"),
                    {
                        "of a number": {
                            "id": "call-17",
                            "recipient": "15400000001",
                            "sender": "10690001",
                            "origin": "key_press",
                            "refused_at": "2026-01-31T12:00:00+08:00",
                        },
                        "of an institution": {
                            "id": "letter-4",
                            "recipient": "15400000002",
                            "institution": "BANK-LX",
                            "origin": "letter",
                            "evidence": "来函 2026-4 号",
                        },
                    },
                ),
                answers={
                    201: json_answer("Recorded.", ref("Recorded"), _RECEIPT, headers=_NO_STORE),
                    200: json_answer("Recorded before.", ref("Recorded"), _RECEIPT, headers=_NO_STORE),
                },
                refusals=("unauthenticated", "forbidden", "invalid_json", "invalid_request", "id_reused", *ANYWHERE),
            ),
        }
    },
)
