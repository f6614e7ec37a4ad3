from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = _("Library")

    def ready(self) -> None:
        # Connected once the models that they name are there.
        import_module("registry.login.signals")
        # What is kept about people.
        import_module("registry.services.look_holding")
        import_module("registry.services.record_holding")
        name_fields(self)


def name_fields(app: AppConfig) -> None:
    """Give every field the label that forms and pages have for its name, so that a word is translated once."""
    from registry.labels import FIELDS

    for model in app.get_models():
        fields: list[Any] = list(model._meta.concrete_fields)
        for field in fields:
            field.verbose_name = FIELDS.get(field.name, field.verbose_name)
