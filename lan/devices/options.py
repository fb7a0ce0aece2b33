"""How a device model declares what can be set on it."""

import typing
from dataclasses import dataclass
from typing import Any

from lan.topo.schema import Option

_REQUIRED: Any = object()


@dataclass(slots=True)
class _Declared:
    """A class attribute that becomes the instance's value; `schema_of` reads it."""

    default: Any
    low: float | None
    high: float | None
    help: str
    example: object
    choices: tuple[Any, ...]
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


def option(
    default: Any = _REQUIRED,
    *,
    help: str,  # noqa: A002 - the word users of the field know
    low: float | None = None,
    high: float | None = None,
    example: object = None,
    choices: tuple[Any, ...] = (),
) -> Any:
    """Declare an option: its default (none: it must be given), bounds, help, an example, and all it can be."""
    return _Declared(default, low, high, help, example, choices)


def options_of(model: type) -> dict[str, Option]:
    """All options a model declares or inherits, by name."""
    hints = typing.get_type_hints(model)
    found: dict[str, Option] = {}
    for parent in reversed(model.__mro__):
        for name, declared in vars(parent).items():
            if isinstance(declared, _Declared):
                required = declared.default is _REQUIRED
                found[name] = Option(
                    name=name,
                    type=_plain(hints[name]),
                    default=None if required else declared.default,
                    required=required,
                    low=declared.low,
                    high=declared.high,
                    help=declared.help,
                    example=declared.example,
                    choices=declared.choices,
                )
    return found


def _plain(hint: Any) -> type:
    """``str | None`` → str, ``dict[str, str]`` → dict: what `isinstance` can ask for."""
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    if typing.get_origin(hint) not in (dict, list, tuple) and parts:
        hint = parts[0]
    plain = typing.get_origin(hint) or hint
    assert isinstance(plain, type)
    return plain
