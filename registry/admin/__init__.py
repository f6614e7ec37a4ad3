"""The site: applications, the library, people and the ledger."""

from registry.admin import applications, home, ledger, library, people, scrubs

__all__ = ["applications", "home", "ledger", "library", "people", "scrubs"]
