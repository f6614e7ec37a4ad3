from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from registry.apps import name_fields


class OptoutConfig(AppConfig):
    name = "optout"
    verbose_name = _("Replies and refusals")

    def ready(self) -> None:
        name_fields(self)
