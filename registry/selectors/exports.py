"""What exports read: rows in the order of their ids, page by page, so that no number of them fills the memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

from registry.models import Listing, Member
from registry.selectors.visibility import visible

M = TypeVar("M", bound=Model)
PAGE = 2_000


def listings_for(member: Member | None) -> QuerySet[Listing]:
    """Every listing that a person may see; none for a stranger."""
    return visible(Listing.objects.all(), member)


def pages(rows: QuerySet[M]) -> Iterator[list[M]]:
    """The rows by id, each page a query of its own: nothing stays open while a slow reader takes its time."""
    last = 0
    while page := list(rows.order_by("pk").filter(pk__gt=last)[:PAGE]):
        yield page
        last = page[-1].pk
