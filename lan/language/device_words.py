"""What devices say with facts in their words, known again in their logs: so it can be told in another language.  Pure.

A log has the text as it was said, ``port 3 went down``; here are the sentences that it may be, with places for facts.
"""

import re
from functools import cache

from lan.reasons import Sentence

SENTENCES = (
    "station moved from port {old} to port {new}",
    "known unicast: table hit on port {port}",
    "multicast reserved {mac}: dropped",
    "port {port} went down",
    "port {port} came up",
    "aged out: silent for {seconds} s",
    "a burst of loss: {what}",
    "the cable loses {share} of its frames",
    "the cable doubles {share} of its frames",
    "the cable turns a bit in {share} of its frames",
    "{share} of its frames overtake",
    "{event} means nothing in {state}",
    "the client's {state} binding",
    "fresh by {why}",
    "only-if-cached, but {why}",
    "{share} of the time since the last change",
    "HEAD: the head alone of {why}",
    "{status} has no content",
    "a folder without {file}",
    "{method} is for the origin to judge",
)
WORDS = "why"
"""The fact that is a device's words itself."""
DEEPEST = 3


def sentence(text: str, deepest: int = DEEPEST) -> Sentence | None:
    """The sentence that a text was, with its facts; None for one that has none, or that nobody here knows."""
    for template, pattern in _patterns():
        if (found := pattern.fullmatch(text)) is not None:
            facts = dict(found.groupdict())
            if deepest and (words := facts.get(WORDS)) is not None:
                inner = sentence(words, deepest - 1)
                facts[WORDS] = inner or (words if "{" in words or "}" in words else Sentence(words))
            return Sentence(template, **facts)
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """A fact is a word or two, words of a device are more."""
    made = []
    for template in SENTENCES:
        pattern = re.escape(template)
        for name in re.findall(r"\{(\w+)\}", template):
            kind = ".+" if name in (WORDS, "what", "file") else r"[^\s,;]+"
            pattern = pattern.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{kind})")
        made.append((template, re.compile(pattern)))
    return tuple(made)
