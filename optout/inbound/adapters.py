"""Every adapter, found by its module: a new one is registered by being there."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType

import optout.inbound
from optout.inbound.adapter import Adapter
from registry.errors import DomainError


@cache
def adapters() -> Mapping[str, Adapter]:
    """Provider → adapter, sorted: the `ADAPTER` of every module of this package that defines one."""
    modules = [import_module(f"optout.inbound.{found.name}") for found in pkgutil.iter_modules(optout.inbound.__path__)]
    found = {module.ADAPTER.provider: module.ADAPTER for module in modules if hasattr(module, "ADAPTER")}
    return MappingProxyType(dict(sorted(found.items())))


def adapter_of(provider: str) -> Adapter:
    """The adapter of a provider. Raises `not_found`."""
    try:
        return adapters()[provider]
    except KeyError:
        raise DomainError("not_found") from None
