"""Files of recipients, judged for one sender."""

from __future__ import annotations

from registry.api.schema.ledger import whole_number
from registry.api.schema.parts import (
    ANYWHERE,
    BEARER,
    Resource,
    Schema,
    call,
    json_answer,
    record,
    ref,
)
from registry.api.scrubs import MOST_LISTED
from registry.models.scrubs import ScrubState
from registry.scope import CHANNELS, PURPOSES
from registry.scrubs.files import Form, Output
from registry.services.scrubs import CONTENT_TYPES, MOST_OPEN

_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "format": "int64", "minimum": 1},
}
_TEXT: Schema = {"type": "string"}
_MAYBE_TEXT: Schema = {"type": ["string", "null"]}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_COUNTS: Schema = {"type": "object", "additionalProperties": _COUNT}
_STATES = [state for state in ScrubState.values if state != ScrubState.RECEIVING]

_SUMMARY_EXAMPLE = {
    "rows": 3, "allowed": 1, "denied": 2,
    "reasons": {"ok": 1, "recipient_opted_out": 1, "invalid_recipient": 1}, "rejected": {"invalid_recipient": 1},
    "sender": "10690001", "principal": "BANK-LX", "channel": "sms", "purpose": "collection", "signature": None, "at": None,
    "first_seq": 408, "last_seq": 408, "stale": False,
    "started_at": "2026-01-31T04:00:01Z", "finished_at": "2026-01-31T04:00:02Z", "form": "csv",
    "outputs": {output.value: {"bytes": 120, "sha256": "5f" * 32} for output in Output},
}  # fmt: skip
_EXAMPLE = {
    "id": 7, "state": "done", "sender": "10690001", "channel": "sms", "purpose": "collection", "signature": None, "at": None,
    "form": "csv", "size": 46, "created_at": "2026-01-31T04:00:00.000000Z", "finished_at": "2026-01-31T04:00:02.000000Z",
    "expires_at": "2026-02-03T04:00:02.000000Z",
    "progress": {"rows": 3, "percent": 100.0, "rows_per_second": 3, "seconds_left": 0},
    "summary": _SUMMARY_EXAMPLE, "problem": None,
    "links": {output.value: f"/v1/scrubs/7/{output}" for output in Output},
}  # fmt: skip

SCHEMAS: dict[str, Schema] = {
    "ScrubTaken": record({"id": {"type": "integer", "minimum": 1}, "state": {"type": "string", "enum": _STATES}}),
    "Scrubs": record({"scrubs": {"type": "array", "items": ref("Scrub"), "maxItems": MOST_LISTED}}),
    "Scrub": record(
        {
            "id": {"type": "integer", "minimum": 1},
            "state": {"type": "string", "enum": _STATES},
            "sender": _TEXT,
            "channel": {"type": "string", "enum": list(CHANNELS)},
            "purpose": {"type": ["string", "null"], "enum": [*PURPOSES, None]},
            "signature": _MAYBE_TEXT,
            "at": _MAYBE_TIME,
            "form": {"type": "string", "enum": [form.value for form in Form]},
            "size": {**_COUNT, "description": "Bytes of the file."},
            "created_at": _TIME,
            "finished_at": _MAYBE_TIME,
            "expires_at": {**_TIME, "description": "When its files are deleted, or were."},
            "progress": record(
                {
                    "rows": _COUNT,
                    "percent": {"type": "number", "minimum": 0, "maximum": 100, "description": "Of the file's bytes."},
                    "rows_per_second": _COUNT,
                    "seconds_left": {"type": ["integer", "null"], "description": "Null until it can be estimated."},
                }
            ),
            "summary": {"oneOf": [ref("ScrubSummary"), {"type": "null"}]},
            "problem": {
                "oneOf": [record({"code": _TEXT, "detail": _TEXT}), {"type": "null"}],
                "description": "Why it failed: `docs/scrubs.md`.",
            },
            "links": {
                "type": "object",
                "properties": {output.value: _TEXT for output in Output},
                "additionalProperties": False,
                "description": "Its files; empty unless it is done.",
            },
        }
    ),
    "ScrubSummary": record(
        {
            "rows": _COUNT,
            "allowed": _COUNT,
            "denied": _COUNT,
            "reasons": {**_COUNTS, "description": "Rows by the reason of their decision."},
            "rejected": {**_COUNTS, "description": "Rows that name no recipient, by code; they are not cleared."},
            "sender": _MAYBE_TEXT,
            "principal": _MAYBE_TEXT,
            "channel": _TEXT,
            "purpose": _MAYBE_TEXT,
            "signature": _MAYBE_TEXT,
            "at": _MAYBE_TEXT,
            "first_seq": {**_COUNT, "description": "Up to which ledger entry the first part of the file was judged."},
            "last_seq": {**_COUNT, "description": "The same of the last part."},
            "stale": {"type": "boolean", "description": "The index was older than MAX_INDEX_AGE at some point."},
            "started_at": _TEXT,
            "finished_at": _TEXT,
            "form": _TEXT,
            "outputs": {
                "type": "object",
                "additionalProperties": record({"bytes": _COUNT, "sha256": _TEXT}),
                "description": "Size and SHA-256 of each file.",
            },
        }
    ),
}

_KEYS = ("unauthenticated", "forbidden", *ANYWHERE)
_SHOWN = json_answer("The scrub as it is now.", ref("Scrub"), _EXAMPLE)
_LOCATION = {"Location": {"required": True, "schema": _TEXT}}
_BINARY: Schema = {"schema": {"type": "string", "format": "binary"}}


def _asked(name: str, description: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


_QUESTION = [
    _asked("sender", "The number that is to send, in any spelling.", {**_TEXT, "minLength": 1, "maxLength": 64}, required=True),
    _asked("channel", "", {"type": "string", "enum": list(CHANNELS), "default": "sms"}),
    _asked("purpose", "Without one, every purpose of the number must pass.", {"type": "string", "enum": list(PURPOSES)}),
    _asked("signature", "", {**_TEXT, "maxLength": 64}),
    _asked("at", "The planned hand-off, from 5 minutes ago to 7 days ahead.", _TIME),
    _asked(
        "column",
        "The recipients' column, by its header or from 1, where it is not `recipient`, `phone`, 手机号 or the like.",
        {**_TEXT, "maxLength": 64},
    ),
    _asked("form", "What the files are written as.", {"type": "string", "enum": [form.value for form in Form], "default": Form.CSV.value}),
]  # fmt: skip

RESOURCE = Resource(
    name="scrubs",
    description="Whole files of recipients, judged for one sender as `/v1/decisions` would judge each of them.",
    schemas=SCHEMAS,
    paths={
        "/v1/scrubs": {
            "get": call(
                "listScrubs",
                "One's own scrubs",
                security=BEARER,
                parameters=[whole_number("before", "Those with a smaller id.", default=0)],
                answers={200: json_answer("The newest first.", ref("Scrubs"), {"scrubs": [_EXAMPLE]})},
                refusals=("invalid_request", *_KEYS),
            ),
            "post": call(
                "scrub",
                "Hand in a file",
                description=(
                    "The body is the file: CSV, that gzipped, XLSX or Parquet, told by its content; SCRUB_MIB limits it. The "
                    "same file and question under the same `Idempotency-Key` answer the scrub that they made. A client has "
                    f"at most {MOST_OPEN} scrubs under way."
                ),
                security=BEARER,
                parameters=[
                    *_QUESTION,
                    {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "The client's own name for this request.",
                        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
                    },
                ],
                body={"description": "The file.", "required": True, "content": {"application/octet-stream": _BINARY}},
                answers={
                    status: json_answer(text, ref("ScrubTaken"), {"id": 7, "state": "queued"}, headers=_LOCATION)
                    for status, text in ((202, "It waits for a worker."), (200, "The one that this request made."))
                },
                refusals=(
                    "invalid_request",
                    "invalid_file",
                    "idempotency_key_reused",
                    "too_many_requests",
                    "index_not_ready",
                    *_KEYS,
                ),
            ),
        },
        "/v1/scrubs/{id}": {
            "get": call(
                "readScrub",
                "How far it is, and what came of it",
                security=BEARER,
                parameters=[_ID],
                answers={200: _SHOWN},
                refusals=("not_found", *_KEYS),
            ),
            "delete": call(
                "endScrub",
                "Cancel it, or delete its files",
                description="A repeat changes nothing.",
                security=BEARER,
                parameters=[_ID],
                answers={200: _SHOWN},
                refusals=("not_found", "stale_state", *_KEYS),
            ),
        },
        **{
            f"/v1/scrubs/{{id}}/{output}": {
                "get": call(
                    f"read{output.capitalize()}",
                    text,
                    security=BEARER,
                    parameters=[_ID],
                    answers={
                        200: {
                            "description": "The file, in the form that was asked for.",
                            "content": {kind.partition(";")[0]: _BINARY for kind in CONTENT_TYPES.values()},
                        }
                    },
                    refusals=("not_found", "stale_state", *_KEYS),
                )
            }
            for output, text in (
                (Output.RESULTS, "Every row with its decision"),
                (Output.FILTERED, "The rows that may be reached"),
                (Output.REJECTED, "The rows that name no recipient"),
            )
        },
    },
)
