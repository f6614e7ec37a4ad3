from importlib import import_module

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = "Library 号码库"

    def ready(self) -> None:
        # Connected once the models that they name are there.
        import_module("registry.login.signals")
