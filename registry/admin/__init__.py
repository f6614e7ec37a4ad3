"""The site: applications, the library, people and the ledger."""

from registry.admin import (
    applications,
    budgets,
    consents,
    home,
    ledger,
    library,
    people,
    policy_rows,
    purges,
    records,
    scrubs,
)

__all__ = [
    "applications",
    "budgets",
    "consents",
    "home",
    "ledger",
    "library",
    "people",
    "policy_rows",
    "purges",
    "records",
    "scrubs",
]
