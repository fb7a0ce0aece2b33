"""A rebuilt table: the columns of ``lan show``, its rows, and what they were made from."""

from dataclasses import dataclass

from lan.reasons import Sentence


@dataclass(frozen=True, slots=True)
class Table:
    """`made_from` is the record that was read; derived ones were concluded from frames, and may lack what left none."""

    columns: list[str]
    rows: list[list[str]]
    made_from: Sentence
    is_derived: bool
