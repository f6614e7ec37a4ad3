from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from registry.apps import name_fields


class OptoutConfig(AppConfig):
    name = "optout"
    verbose_name = _("Replies and refusals")

    def ready(self) -> None:
        # What of our own rows the ledger holds, and what is kept about people.
        import_module("optout.facts")
        import_module("optout.services.holdings")
        name_fields(self)
