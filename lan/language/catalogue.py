"""Reasons in the reader's language, from gettext catalogues: ``lan/locale/LANGUAGE/LC_MESSAGES/lan.po``.

The .po files are read as they are (GNU gettext manual, "The Format of PO Files"), so that nothing need be compiled.
A sentence that a catalogue lacks stays English.
"""

import ast
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from lan.language import device_words, particles
from lan.reasons import Reason, Sentence

LOCALES = Path(__file__).resolve().parents[1] / "locale"
VARIABLES = ("LAN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides; gettext's order, with our own before it."""


class Language:
    """One language's catalogue; ``Language({})`` is English."""

    def __init__(self, sentences: Mapping[str, str], finish: Callable[[str], str] = str) -> None:
        """`finish` gives a sentence whose facts are in their places its last form."""
        self._sentences, self._finish = sentences, finish

    def tell(self, sentence: str, facts: Mapping[str, object]) -> str:
        """The sentence in this language, with its facts."""
        return self._finish(self.say(sentence).format_map(facts))

    def __contains__(self, sentence: object) -> bool:
        """Whether the catalogue has a sentence."""
        return sentence in self._sentences

    def say(self, sentence: str) -> str:
        """The sentence in this language, or as it is."""
        return self._sentences.get(sentence) or sentence

    def hear(self, text: str) -> str:
        """What a device's log says, in this language, as far as the catalogue has it."""
        known = self._sentences.get(text)
        if known or not self._sentences:
            return known or text
        said = device_words.sentence(text)
        return text if said is None else self.retell(said)

    def retell(self, text: str) -> str:
        """A `Sentence` in this language, with those in it; any other text (a command, a row of a table) as it is."""
        if not isinstance(text, Sentence):
            return text
        facts = {name: self.retell(fact) if isinstance(fact, str) else fact for name, fact in text.facts.items()}
        return self.tell(text.template, facts)

    def reason(self, reason: Reason) -> Reason:
        """A reason, its text in this language; its facts stay, for programs too."""
        return Reason(reason.source, self.retell(reason.text), **dict(reason.facts))


def language_of(environment: Mapping[str, str]) -> Language:
    """The language that the environment asks for: ``LANG=ko_KR.UTF-8`` or ``LAN_LANG=ko``."""
    wanted = next((environment[name] for name in VARIABLES if environment.get(name)), "")
    for word in wanted.split(":"):
        name = word.partition(".")[0].partition("@")[0]
        for each in (name, name.partition("_")[0]):
            if each in ("C", "POSIX", "en"):
                return ENGLISH
            if each.replace("_", "").isalnum() and (LOCALES / each / "LC_MESSAGES/lan.po").is_file():
                return language(each)
    return ENGLISH


@cache
def language(name: str) -> Language:
    """The catalogue of a language, such as ``ko``.  Raises OSError where there is none."""
    text = (LOCALES / name / "LC_MESSAGES/lan.po").read_text(encoding="utf-8")
    return Language(parse(text), particles.choose if name == "ko" else str)


def parse(text: str) -> dict[str, str]:
    """A .po file's sentences: msgid → msgstr, without those that are not translated.  Raises ValueError."""
    found: dict[str, str] = {}
    parts = {"msgid": "", "msgstr": ""}
    into = ""
    for number, line in enumerate([*text.splitlines(), 'msgid ""'], 1):
        keyword, _, quoted = line.strip().partition(" ")
        if keyword == "msgid":
            if parts["msgid"] and parts["msgstr"]:
                found[parts["msgid"]] = parts["msgstr"]
            parts, into = {"msgid": "", "msgstr": ""}, keyword
        elif keyword == "msgstr":
            into = keyword
        elif line.startswith('"') and into:
            quoted = line.strip()
        elif not line.strip() or line.startswith("#"):
            continue
        else:
            raise ValueError(f"line {number}: {line!r} is neither msgid, msgstr, text in quotes nor a comment")
        parts[into] += ast.literal_eval(quoted)
    return found


ENGLISH = Language({})
