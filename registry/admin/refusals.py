"""Refusals of services as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext

from registry.errors import DomainError
from registry.labels import FIELDS, FINDINGS, REFUSALS


@dataclass(slots=True)
class Outcome:
    """Whether what was tried was refused."""

    refused: bool = False


@contextmanager
def explained(request: HttpRequest, *, form: forms.Form | None = None) -> Iterator[Outcome]:
    """Turn a DomainError into a message, or into errors of `form`."""
    outcome = Outcome()
    try:
        yield outcome
    except DomainError as error:
        outcome.refused = True
        for sentence in sentences(error):
            if form is not None:
                form.add_error(_field(error, form), sentence)
            else:
                messages.error(request, sentence)


def sentences(error: DomainError) -> list[str]:
    """What people read of a refusal."""
    if error.code == "findings":
        return findings_explained(error.data["findings"])
    if error.code == "invalid_request" and "pointer" in error.data:
        name = error.data["pointer"].rpartition("/")[2]
        return [f"{FIELDS[name]}: {gettext(error.detail)}" if name in FIELDS else gettext(error.detail)]
    known = str(REFUSALS.get(error.code, error.title))
    return [f"{known} {gettext(error.detail)}" if error.detail not in (known, error.title) else known]


def findings_explained(found: list[dict[str, Any]]) -> list[str]:
    """Each finding as a sentence, with the item and what it is about."""
    return [
        (f"{finding['item']}: " if finding["item"] else "")
        + str(FINDINGS[finding["code"]])
        + (f" ({finding['about']})" if finding["about"] else "")
        for finding in found
    ]


def _field(error: DomainError, form: forms.Form) -> str | None:
    name = str(error.data.get("pointer", "")).rpartition("/")[2]
    return name if name in form.fields and not form.fields[name].widget.is_hidden else None
