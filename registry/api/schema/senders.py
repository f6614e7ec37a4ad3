"""Who is this number?"""

from __future__ import annotations

from registry.api.schema.parts import ANYWHERE, Resource, Schema, call, json_answer, record, ref
from registry.numbers import MAX_SPELLING
from registry.scope import CHANNELS, PURPOSES
from registry.selectors.senders import BLACK, SENDER_STATUSES, SUSPENDED, WHITE
from registry.terms import InstitutionType

_NOBODY: Schema = {"type": "null"}
_DIGITS: Schema = {"type": "string", "pattern": "^[0-9]{3,21}$"}

SCHEMAS: dict[str, Schema] = {
    "Institution": record(
        {
            "code": {"type": "string"},
            "name": {"type": "string"},
            "type": {"type": "string", "enum": list(InstitutionType.values)},
        }
    ),
    "SenderListing": record(
        {
            "status": {"type": "string", "enum": [WHITE, SUSPENDED, BLACK]},
            "match": {"type": "string", "enum": ["exact", "prefix"], "description": "`prefix`: and all under it."},
            "digits": _DIGITS,
            "institution": {"anyOf": [ref("Institution"), _NOBODY], "description": "The holder."},
            "principal": {"anyOf": [ref("Institution"), _NOBODY], "description": "For whom an agent holds it."},
            "purposes": {"type": "array", "items": {"type": "string", "enum": list(PURPOSES)}},
            "channels": {"type": "array", "items": {"type": "string", "enum": list(CHANNELS)}},
            "signature": {"type": ["string", "null"], "description": "The 签名 that tells holders of one port apart."},
            "valid_to": {"type": ["string", "null"], "format": "date-time"},
        }
    ),
    "Sender": record(
        {
            "digits": {**_DIGITS, "description": "The number without its spelling."},
            "status": {
                "type": "string",
                "enum": list(SENDER_STATUSES),
                "description": "`expired`: registered, and outside its validity. Black comes before all.",
            },
            "listings": {
                "type": "array",
                "items": ref("SenderListing"),
                "description": "The longest port that covers the number, and what black or suspended beside it stops it.",
            },
        }
    ),
}

RESOURCE = Resource(
    name="senders",
    description="The public library.",
    schemas=SCHEMAS,
    paths={
        "/v1/senders/{digits}": {
            "get": call(
                "whoIs",
                "Who is this number?",
                description="For anybody, at most PUBLIC_RATE times a minute. Nothing about the people written to.",
                parameters=[
                    {
                        "name": "digits",
                        "in": "path",
                        "required": True,
                        "description": "A number in any spelling, without `/`.",
                        # What a path holds as itself: no dot alone, which clients take away.
                        "schema": {
                            "type": "string",
                            "pattern": "^[0-9]{3,21}$",
                            "maxLength": MAX_SPELLING,
                        },
                    }
                ],
                answers={
                    200: json_answer(
                        "What is known of it.",
                        ref("Sender"),
                        {
                            "digits": "106900010001",
                            "status": "white",
                            "listings": [
                                {
                                    "status": "white",
                                    "match": "prefix",
                                    "digits": "10690001",
                                    "institution": {"code": "BANK-LX", "name": "栗溪银行", "type": "bank"},
                                    "principal": None,
                                    "purposes": ["collection"],
                                    "channels": ["sms", "voice"],
                                    "signature": None,
                                    "valid_to": None,
                                }
                            ],
                        },
                        headers={
                            "Cache-Control": {
                                "required": True,
                                "schema": {"type": "string", "const": "public, max-age=60"},
                            }
                        },
                    )
                },
                refusals=("invalid_request", "too_many_requests", *ANYWHERE),
            )
        }
    },
)
