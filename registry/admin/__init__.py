"""The site's read-only lists of the library and the ledger."""

from registry.admin import ledger, library, people

__all__ = ["ledger", "library", "people"]
