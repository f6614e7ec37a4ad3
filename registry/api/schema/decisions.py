"""May this sender reach this recipient now? Answered by `registry.decisions.app`, in front of Django."""

from __future__ import annotations

import json

from registry.api.schema.parts import BEARER, Resource, Schema, call, json_answer, json_body, record, ref
from registry.decisions.app import STREAM
from registry.decisions.policy import REASONS
from registry.decisions.stream import KIND, MAX_LINE_BYTES
from registry.decisions.wire import MAX_ID, MAX_ITEMS
from registry.scope import CHANNELS, PURPOSES

_REFUSALS = (
    "invalid_json", "unauthenticated", "forbidden", "too_large", "invalid_request", "budget_spent", "internal",
    "index_not_ready",
)  # fmt: skip
_VERDICT: Schema = {
    "decision": {"type": "string", "enum": ["allow", "deny"]},
    "reason": {"type": "string", "enum": list(REASONS), "description": "The first that applies, in this order."},
}
_REMARKS: Schema = {
    "counted": {
        "type": "boolean",
        "description": "There where `count` was asked for: whether the question counts, now or under its `id` before.",
    },
    "record": {
        "type": ["string", "null"],
        "description": "There where `record` was asked for: the id under `/v1/records/`, null where it could not be kept.",
    },
    "counts_unknown": {
        "const": True,
        "description": "There where a cap is in force and the counters do not answer; `STALE_MODE` decided.",
    },
}
# What is counted is handed off now, under an id.
_COUNTED: Schema = {
    "anyOf": [{"properties": {"count": {"const": False}}}, {"required": ["id"], "properties": {"at": False}}],
}
_AS_OF = {"seq": 408, "age_ms": 412, "stale": False}
_QUESTION = {"sender": "10690001", "recipient": "15400000001", "channel": "sms", "purpose": "collection"}
_LINE = f"{json.dumps(_QUESTION)}\n"
_LINES = (
    '{"decision":"allow","reason":"ok"}\n{"as_of":{"seq":408,"age_ms":412,"stale":false},"decided":1,"refused":0}\n'
)

SCHEMAS: dict[str, Schema] = {
    "Question": _COUNTED
    | record(
        {
            "sender": {"type": "string", "description": "In any spelling; what is no number is denied, not refused."},
            "recipient": {
                "type": "string",
                "description": "In any spelling; what is no number is denied, not refused.",
            },
            "channel": {"type": "string", "enum": list(CHANNELS), "default": "sms"},
            "purpose": {
                "type": "string",
                "enum": list(PURPOSES),
                "description": "Without one, every purpose that the number is listed for must pass.",
            },
            "signature": {
                "type": "string",
                "description": "The 签名 of the message; on a port with several holders it tells whose message this is.",
            },
            "at": {
                "type": "string",
                "format": "date-time",
                "description": "The planned hand-off, from 5 minutes ago to 7 days ahead; a forecast: ask again then.",
            },
            "count": {
                "type": "boolean",
                "default": False,
                "description": "To count it where it is allowed and a cap binds it; with an `id`, without `at`.",
            },
            "id": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_ID,
                "description": "The client's own, once for each message or call: under it a repeat counts once.",
            },
            "record": {
                "type": "boolean",
                "default": False,
                "description": "To keep this decision as a signed record.",
            },
        },
        optional=("channel", "purpose", "signature", "at", "count", "id", "record"),
    ),
    "Batch": record({"items": {"type": "array", "items": ref("Question"), "maxItems": MAX_ITEMS}}),
    "AsOf": record(
        {
            "seq": {"type": "integer", "minimum": 0, "description": "The last ledger entry that the answer knows."},
            "age_ms": {"type": "integer", "minimum": 0, "description": "How long ago that was known to be all."},
            "stale": {"type": "boolean", "description": "Whether that is longer than `MAX_INDEX_AGE`."},
        },
        description="How fresh the index is that the answer rests on.",
    ),
    "Decision": record(
        {
            **_VERDICT,
            "institution": {"type": ["string", "null"], "description": "The code of the deciding listing's principal."},
            "as_of": ref("AsOf"),
            **_REMARKS,
        },
        optional=_REMARKS,
    ),
    "Result": record({**_VERDICT, **_REMARKS}, optional=_REMARKS),
    "BatchAnswer": record(
        {
            "as_of": ref("AsOf"),
            "results": {"type": "array", "items": ref("Result"), "description": "In the order of the items."},
        }
    ),
}

RESOURCE = Resource(
    name="decisions",
    description="May this sender reach this person now? Web and decision process answer alike.",
    schemas=SCHEMAS,
    paths={
        STREAM: {
            "post": call(
                "decideStream",
                "Any number of questions, one a line, answered one a line while they come",
                description=(
                    "Read answers while you send: questions are taken no faster than answers. Each line that is no "
                    "question, or that the key may not ask, is refused alone. The last line has `as_of`, of the last "
                    "answers; a stream that was cut short says `code` in its place."
                ),
                security=BEARER,
                body={
                    "required": True,
                    "description": f"Lines of `Question`, each of at most {MAX_LINE_BYTES:,} bytes.",
                    "content": {KIND: {"schema": {"type": "string"}, "examples": {"one": {"value": _LINE}}}},
                },
                answers={
                    200: {
                        "description": "A line for each question, in order, then the last.",
                        "content": {KIND: {"schema": {"type": "string"}, "example": _LINES}},
                    }
                },
                refusals=("unauthenticated", "too_many_requests", "internal", "index_not_ready"),
            )
        },
        "/v1/decisions": {
            "post": call(
                "decide",
                "May this sender reach this recipient now?",
                description="An institution's key may ask about the numbers that it holds or is the principal of.",
                security=BEARER,
                body=json_body("One question.", ref("Question"), {"collection by SMS": _QUESTION}),
                answers={
                    200: json_answer(
                        "Allow or deny, and why.",
                        ref("Decision"),
                        {"decision": "allow", "reason": "ok", "institution": "BANK-LX", "as_of": _AS_OF},
                    )
                },
                refusals=_REFUSALS,
            )
        },
        "/v1/decisions/batch": {
            "post": call(
                "decideBatch",
                f"Up to {MAX_ITEMS:,} questions at once",
                security=BEARER,
                body=json_body(
                    "Questions; one that is malformed refuses the whole batch.",
                    ref("Batch"),
                    {"two": {"items": [_QUESTION, {"sender": "106999999999", "recipient": "15400000001"}]}},
                ),
                answers={
                    200: json_answer(
                        "Allow or deny for each.",
                        ref("BatchAnswer"),
                        {
                            "as_of": _AS_OF,
                            "results": [
                                {"decision": "allow", "reason": "ok"},
                                {"decision": "deny", "reason": "sender_not_listed"},
                            ],
                        },
                    )
                },
                refusals=_REFUSALS,
            )
        },
    },
)
