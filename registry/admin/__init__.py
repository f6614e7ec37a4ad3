"""The site: applications, the library, people and the ledger."""

from registry.admin import (
    applications,
    budgets,
    canaries,
    consents,
    exports,
    home,
    ledger,
    library,
    people,
    policy_rows,
    purges,
    scrubs,
)

__all__ = [
    "applications",
    "budgets",
    "canaries",
    "consents",
    "exports",
    "home",
    "ledger",
    "library",
    "people",
    "policy_rows",
    "purges",
    "scrubs",
]
