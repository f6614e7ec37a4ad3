"""The site: applications, the library, people and the ledger."""

from registry.admin import applications, home, ledger, library, people

__all__ = ["applications", "home", "ledger", "library", "people"]
