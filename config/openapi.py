"""The whole document that `GET /v1/schema` answers. A new resource needs one line here."""

from __future__ import annotations

from typing import Any

from optout.api import refusals_schema
from optout.api.schema import INBOUND, RECEIPTS
from registry.api.schema import (
    applications,
    checkpoints,
    consents,
    decisions,
    documentation,
    explain,
    health,
    ledger,
    outcomes,
    records,
    scrubs,
    senders,
)
from registry.api.schema.parts import PROBLEM, refusal

RESOURCES = (
    decisions.RESOURCE,
    explain.RESOURCE,
    outcomes.RESOURCE,
    records.RESOURCE,
    INBOUND,
    refusals_schema.RESOURCE,
    RECEIPTS,
    consents.RESOURCE,
    senders.RESOURCE,
    applications.RESOURCE,
    scrubs.RESOURCE,
    ledger.RESOURCE,
    checkpoints.RESOURCE,
    health.RESOURCE,
    documentation.RESOURCE,
)

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "Haomaku 号码库",
        "version": "1",
        "description": (
            "A registry of sender numbers with opt-out handling. Every refusal is `application/problem+json` with a "
            "stable `code`; any other method on a path is refused with 405 `method_not_allowed`, any other path with "
            "404 `not_found`. `HEAD` is taken wherever `GET` is."
        ),
    },
    "servers": [{"url": "/"}],
    "tags": [{"name": resource.name, "description": resource.description} for resource in RESOURCES],
    "paths": {
        path: {method: {"tags": [resource.name], **operation} for method, operation in operations.items()}
        for resource in RESOURCES
        for path, operations in resource.paths.items()
    },
    "components": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `manage.py issue_api_key`."},
            **{name: scheme for resource in RESOURCES for name, scheme in resource.security_schemes.items()},
        },
        "responses": {"MethodNotAllowed": refusal("method_not_allowed"), "NotFound": refusal("not_found")},
        "schemas": {
            "Problem": PROBLEM,
            **{name: schema for resource in RESOURCES for name, schema in resource.schemas.items()},
        },
    },
}
