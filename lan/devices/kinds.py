"""All kinds of devices there are: those defined in the modules of this folder."""

import importlib
import pkgutil
from functools import cache

import lan.devices
from lan.devices.base import Host
from lan.topo.schema import KindSchema
from lan.topo.spec import Device, Lan

_PARTS = {"base", "kinds", "options", "kernel_tables"}


@cache
def models() -> dict[str, type[Host]]:
    """Every kind by its name."""
    found: dict[str, type[Host]] = {}
    for module in pkgutil.iter_modules(lan.devices.__path__):
        if module.name not in _PARTS:
            for value in vars(importlib.import_module(f"lan.devices.{module.name}")).values():
                if isinstance(value, type) and issubclass(value, Host) and value.__module__.endswith(f".{module.name}"):
                    found[value.kind] = value
    return found


def schemas() -> dict[str, KindSchema]:
    """What the loader of topology files needs to know of every kind."""
    return {name: model.schema() for name, model in models().items()}


def model_of(spec: Device, lan: Lan) -> Host:
    """The model of one device of a LAN."""
    return models()[spec.kind](spec, lan)
