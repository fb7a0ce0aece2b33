"""What a kind of device lets its file say: names, types, bounds, and words that explain them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be set.  `type` is what a value must be an instance of (None is always "not given")."""

    name: str
    type: type
    default: Any = None
    required: bool = False
    low: float | None = None
    high: float | None = None
    help: str = ""
    example: object = None


@dataclass(frozen=True, slots=True)
class KindSchema:
    """A kind of device: its options by name, and one sentence about it."""

    name: str
    is_switch: bool
    options: Mapping[str, Option]
    summary: str = ""
