"""Refusals of services as sentences in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from registry.errors import DomainError, Sentence
from registry.labels import FIELDS, FINDINGS, REFUSALS, said


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
        # A form proposes one item: which, need not be said.
        for sentence in sentences(error, alone=form is not None):
            if form is not None:
                form.add_error(_field(error, form), sentence)
            else:
                messages.error(request, sentence)


def sentences(error: DomainError, *, alone: bool = False) -> list[str]:
    """What people read of a refusal; `alone`: it is about an application of one item."""
    if error.code == "findings":
        return findings_explained(error.data["findings"], alone=alone)
    if error.code == "invalid_request" and "pointer" in error.data:
        name = error.data["pointer"].rpartition("/")[2]
        if name not in FIELDS:
            return [said(error.detail)]
        # The label stands for the field's own name.
        wrong = error.detail.values.get("problem") if isinstance(error.detail, Sentence) else None
        return [f"{FIELDS[name]}: {said(wrong or error.detail)}"]
    if error.code == "invalid_file":
        return [said(error.detail)]
    known = str(REFUSALS[error.code]) if error.code in REFUSALS else said(error.title)
    detail = said(error.detail)
    return [f"{known} {detail}" if detail not in (known, said(error.title)) else known]


def findings_explained(found: list[dict[str, Any]], *, alone: bool) -> list[str]:
    """Each finding as a sentence, with the item unless it stands alone, and what it is about."""
    return [
        (f"{finding['item']}: " if finding["item"] and not alone else "")
        + str(FINDINGS[finding["code"]])
        + (f" ({finding['about']})" if finding["about"] else "")
        for finding in found
    ]


def _field(error: DomainError, form: forms.Form) -> str | None:
    name = str(error.data.get("pointer", "")).rpartition("/")[2]
    return name if name in form.fields and not form.fields[name].widget.is_hidden else None
