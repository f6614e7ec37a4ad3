"""`/v1/refusals` in OpenAPI."""

from __future__ import annotations

from optout.api.refusals import MOST_EVIDENCE, MOST_ID, MOST_LISTED
from optout.models import Elsewhere
from registry.api.schema.ledger import whole_number
from registry.api.schema.parts import ANYWHERE, BEARER, Resource, Schema, call, json_answer, json_body, record, ref
from registry.numbers import MAX_SPELLING

_NO_STORE: Schema = {"Cache-Control": {"required": True, "schema": {"type": "string", "const": "no-store"}}}
_NUMBER: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_SPELLING}
_RECEIPT = {"receipt": "Jm0yVh1QkY6h3nT4b9XwZc2e"}
_PAGE = {
    "refusals": [
        {
            "seq": 409,
            "recipient": "8615400000001",
            "reach": {
                "kind": "principal",
                "institution": "BANK-LX",
                "name": "栗溪银行",
                "digits": None,
                "purposes": ["marketing", "collection"],
                "channels": ["sms", "voice"],
            },
            "recorded_at": "2026-01-31T04:00:01.000000Z",
        }
    ],
    "next": 409,
}

RESOURCE = Resource(
    name="refusals",
    description=(
        "Refusals made elsewhere than in a reply: to a call centre, by a key, at a counter, by letter; and all refusals of "
        "an institution, for itself."
    ),
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
        "Refused": record(
            {
                "seq": {"type": "integer", "minimum": 1, "description": "The ledger entry."},
                "recipient": {"type": "string", "pattern": "^[0-9]{8,15}$", "description": "E.164 digits without `+`."},
                "reach": ref("Reach"),
                "recorded_at": {"type": "string", "format": "date-time"},
            }
        ),
        "Refusals": record(
            {
                "refusals": {"type": "array", "items": ref("Refused"), "maxItems": MOST_LISTED},
                "next": {"type": "integer", "minimum": 0, "description": "The next `after`."},
            }
        ),
        "Recorded": record({"receipt": {"type": "string", "description": "For `/v1/receipts/{code}`."}}),
    },
    paths={
        "/v1/refusals": {
            "get": call(
                "listRefusals",
                "Who refused this institution",
                description=(
                    "With an institution's own key: who refused it or everyone, from whatever origin, in the ledger's order. "
                    "Refusals that were corrected and people who were erased are left out."
                ),
                security=BEARER,
                parameters=[
                    whole_number("after", "Those behind this `seq`.", default=0),
                    whole_number("limit", f"At most so many; more than {MOST_LISTED:,} is that.", default=MOST_LISTED),
                ],
                answers={
                    200: json_answer("In order; none is the end for now.", ref("Refusals"), _PAGE, headers=_NO_STORE)
                },
                refusals=("unauthenticated", "forbidden", "invalid_request", *ANYWHERE),
            ),
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
