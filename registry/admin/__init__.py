"""The site: applications, the library, people and the ledger."""

from registry.admin import applications, consents, home, ledger, library, people, scrubs

__all__ = ["applications", "consents", "home", "ledger", "library", "people", "scrubs"]
