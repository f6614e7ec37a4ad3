"""What the descriptions of all calls share.

A resource is described by a `Resource`, its calls by `call`. A refusal is named by its code alone: status, headers,
schema and example come from `registry.errors`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from registry.errors import CODES, RETRY_AFTER_SECONDS, DomainError, problem
from registry.labels import FINDINGS

Schema = dict[str, Any]

# What everything behind Django and its limits may answer.
ANYWHERE = ("bad_request", "too_large", "internal", "unavailable")
PUBLIC: tuple[Schema, ...] = ()
BEARER: tuple[Schema, ...] = ({"bearer": []},)

HEX_32: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "32 bytes in lower-case hex."}
PROBLEM: Schema = {
    "type": "object",
    "description": "A refusal (RFC 9457). No field repeats a value of the request.",
    "properties": {
        "type": {"type": "string", "format": "uri", "pattern": "^urn:haomaku:error:[a-z_]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "enum": list(CODES)},
        "detail": {"type": "string"},
        "pointer": {
            "type": "string",
            "description": "With `invalid_request`: a JSON pointer to the place, `/name` for a parameter.",
        },
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "item": {"type": "integer", "minimum": 0, "description": "From 1; 0 is the whole application."},
                    "code": {"type": "string", "enum": list(FINDINGS)},
                    "about": {"type": "string", "description": "The digits, code or name that it is about."},
                },
                "required": ["item", "code", "about"],
                "additionalProperties": False,
            },
            "description": "With `findings`: what stands against an application, the first hundred.",
        },
        "items": {"type": "integer", "description": "With `confirmation_needed`: what `confirmed_items` has to be."},
        "retry_after": {
            "type": "integer",
            "description": "With `too_many_requests` and `budget_spent`: as `Retry-After`.",
        },
        "reasons": {
            "type": "array",
            "items": {"type": "string"},
            "description": "With `unavailable` of `/health/ready`: what is missing.",
        },
        "allow": {"type": "string", "description": "With `method_not_allowed`: as in the header `Allow`."},
    },
    "required": ["type", "title", "status", "code", "detail"],
    "additionalProperties": False,
}
_RETRY_AFTER: Schema = {
    "description": "After how many seconds to try again.",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
    "example": RETRY_AFTER_SECONDS,
}
_WWW_AUTHENTICATE: Schema = {"required": True, "schema": {"type": "string", "const": "Bearer"}}


@dataclass(frozen=True, slots=True)
class Resource:
    """The calls about one thing: a tag, its paths, and what they refer to beside `Problem` and `bearer`."""

    name: str
    description: str
    paths: Mapping[str, Schema]
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    security_schemes: Mapping[str, Schema] = field(default_factory=dict)


def call(
    operation_id: str,
    summary: str,
    *,
    answers: Mapping[int, Schema],
    refusals: Iterable[str],
    description: str = "",
    security: Sequence[Schema] = PUBLIC,
    parameters: Sequence[Schema] = (),
    body: Schema | None = None,
) -> Schema:
    """One operation: `answers` by their status, and every code of `refusals` under its own."""
    operation: Schema = {
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "security": list(security),
        "parameters": list(parameters),
        "responses": {**{str(status): answer for status, answer in answers.items()}, **_refusals(refusals)},
    }
    if body is not None:
        operation["requestBody"] = body
    return operation


def json_answer(
    description: str, schema: Schema, example: Any, *, headers: Schema | None = None, or_page: bool = False
) -> Schema:
    """An answer of JSON; `or_page`: people get it as a page."""
    content: Schema = {"application/json": {"schema": schema, "examples": {"answer": {"value": example}}}}
    if or_page:
        content["text/html"] = {"schema": {"type": "string"}}
    return {"description": description, "headers": headers or {}, "content": content}


def text_answer(description: str, schema: Schema, example: str, *, headers: Schema) -> Schema:
    """An answer of plain text."""
    media = {"schema": schema, "examples": {"answer": {"value": example}}}
    return {"description": description, "headers": headers, "content": {"text/plain": media}}


def json_body(description: str, schema: Schema, examples: Mapping[str, Any]) -> Schema:
    """A body of JSON that has to be there; the examples by their names."""
    media = {"schema": schema, "examples": {name: {"value": value} for name, value in examples.items()}}
    return {"description": description, "required": True, "content": {"application/json": media}}


def ref(name: str) -> Schema:
    """A schema of a resource, by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(properties: Schema, *, optional: Iterable[str] = (), description: str = "") -> Schema:
    """An object of exactly these fields, all of them there but the `optional` ones."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in set(optional)],
        "additionalProperties": False,
    }


def refusal(*codes: str) -> Schema:
    """The answer with one of `codes`, which share a status."""
    status = CODES[codes[0]][0]
    headers: Schema = {}
    if "unauthenticated" in codes:
        headers["WWW-Authenticate"] = _WWW_AUTHENTICATE
    if "method_not_allowed" in codes:
        headers["Allow"] = {"required": True, "schema": {"type": "string"}}
    if status in (429, 503):
        headers["Retry-After"] = _RETRY_AFTER
    narrowed = {"properties": {"code": {"enum": list(codes)}, "status": {"const": status}}}
    media = {
        "schema": {"allOf": [ref("Problem"), narrowed]},
        "examples": {code: {"value": problem(DomainError(code))} for code in codes},
    }
    return {
        "description": "; ".join(f"`{code}`: {CODES[code][1]}" for code in codes),
        "headers": headers,
        "content": {"application/problem+json": media},
    }


def _refusals(codes: Iterable[str]) -> Schema:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[CODES[code][0]].append(code)
    return {str(status): refusal(*by_status[status]) for status in sorted(by_status)}
