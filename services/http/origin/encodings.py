"""Content codings: which compressed form of a representation a client takes.  RFC 9110 §8.4, §12.5.3.

Pure.  Files may lie beside their compressed forms (``page.html``, ``page.html.br``, ``page.html.gz``).
"""

import re
from dataclasses import dataclass

from lan.reasons import Reason

ENDINGS = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}
"""Coding → the ending of a precompressed file's name; in the order in which they are preferred."""

IDENTITY = "identity"
_WISH = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]*;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?")
_ALIASES = {"x-gzip": "gzip"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The coding to send, `identity` for the bytes as they are, and why; None: the client takes nothing we have."""

    coding: str | None
    why: Reason


def parse(text: str) -> dict[str, float]:
    """``gzip;q=0.5, br`` → {"gzip": 0.5, "br": 1.0}; elements that can't be read are ignored."""
    weights: dict[str, float] = {}
    for element in text.split(","):
        if found := _WISH.fullmatch(element.strip(" \t")):
            name = found[1].lower()
            weights.setdefault(_ALIASES.get(name, name), float(found[2] or 1))
    return weights


def choose(accepted: str | None, available: tuple[str, ...]) -> Chosen:
    """The best of `available` (codings of ENDINGS) and the plain bytes, by the field `Accept-Encoding`.

    The highest weight wins, then the order of ENDINGS.  What is not named has the weight of ``*``; the
    plain bytes are acceptable unless they are excluded, but come last where they are not named.
    """
    if accepted is None:
        return Chosen(IDENTITY, Reason("RFC 9110 §12.5.3", "the client names no coding, so none is used"))
    weights = parse(accepted)
    rest = weights.get("*", 0.0)
    ranked = [(weights.get(coding, rest), coding) for coding in ENDINGS if coding in available]
    plain = weights.get(IDENTITY, 0.0 if weights.get("*") == 0 else 0.0005)  # below any weight that can be written
    best, coding = max([*ranked, (plain, IDENTITY)], key=lambda candidate: candidate[0])
    if best > 0:
        return Chosen(coding, Reason("RFC 9110 §12.5.3", "the coding that the client likes best", coding=coding))
    return Chosen(None, Reason("RFC 9110 §12.5.3", "the client takes no coding that we have, and not the plain bytes"))
