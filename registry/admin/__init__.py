"""The site: applications, the library, people and the ledger."""

from registry.admin import applications, budgets, home, ledger, library, people

__all__ = ["applications", "budgets", "home", "ledger", "library", "people"]
