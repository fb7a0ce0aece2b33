"""Frozen dataclasses for what is made by the hundred thousand.

`dataclass(frozen=True)` pays for its promise at run time: each field is set by a call, which is half of
a header's cost.  Here the type checker alone keeps it; code that is checked reads the same.
"""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """As `dataclass(frozen=True, slots=True)`, but that nothing stops unchecked code from setting a field."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
