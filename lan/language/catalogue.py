"""What is read in the reader's language, from gettext catalogues: ``lan/locale/LANGUAGE/LC_MESSAGES/*.po``.

``lan.po`` has the sentences of reasons and findings, ``faces.po`` what the faces say themselves: help, errors, titles.
The .po files are read as they are (GNU gettext manual, "The Format of PO Files"), so that nothing need be compiled.
A sentence that a catalogue lacks stays English.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from pathlib import Path

from lan.errors import LanError
from lan.language import device_words, known_again, particles
from lan.reasons import Reason, Sentence

LOCALES = Path(__file__).resolve().parents[1] / "locale"
VARIABLES = ("LAN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides; gettext's order, with our own before it."""
REASONS, FACES = "lan.po", "faces.po"
LINE = re.compile(r'(?:(msgid|msgstr) )?"(.*)"')
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Language:
    """One language's catalogue; ``Language({})`` is English."""

    def __init__(
        self,
        sentences: Mapping[str, str],
        finish: Callable[[str], str] = str,
        *,
        faces: Mapping[str, str] | None = None,
        name: str = "en",
    ) -> None:
        """`finish` gives a sentence whose facts are in their places its last form; `faces` say some themselves."""
        self._faces = faces or {}
        self._sentences, self._finish, self.name = {**self._faces, **sentences}, finish, name

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

    def know_again(self, text: str) -> str:
        """What an error says, in this language, as far as the catalogue has it."""
        if isinstance(text, Sentence):
            return self.retell(text)
        return known_again.retold(text, self._faces, self._templates, self._finish) if self._faces else text

    def fault(self, fault: Exception) -> str:
        """What went wrong, whole, in this language."""
        return fault.told(self.know_again) if isinstance(fault, LanError) else self.know_again(str(fault))

    def fault_in_line(self, fault: Exception) -> str:
        """What went wrong, without what was expected and what to do: for a face that has one line for it."""
        return self.fault(fault).partition("\n")[0]

    @cached_property
    def _templates(self) -> list[known_again.Template]:
        return known_again.templates(self._faces)

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
            if each.replace("_", "").isalnum() and (LOCALES / each / "LC_MESSAGES" / REASONS).is_file():
                return language(each)
    return ENGLISH


@cache
def language(name: str) -> Language:
    """The catalogues of a language, such as ``ko``.  Raises OSError where there are none."""
    folder = LOCALES / name / "LC_MESSAGES"
    reasons, faces = (parse((folder / file).read_text(encoding="utf-8")) for file in (REASONS, FACES))
    return Language(reasons, particles.choose if name == "ko" else str, faces=faces, name=name)


def parse(text: str) -> dict[str, str]:
    """A .po file's sentences: msgid → msgstr, without those that are not translated.  Raises ValueError."""
    found: dict[str, str] = {}
    parts = {"msgid": "", "msgstr": ""}
    into = ""
    for number, line in enumerate([*text.splitlines(), 'msgid ""'], 1):
        if not line or line.isspace() or line.startswith("#"):
            continue
        read = LINE.fullmatch(line.strip())
        keyword = read[1] if read else None
        if read is None or not (into or keyword):
            raise ValueError(f"line {number}: {line!r} is neither msgid, msgstr, text in quotes nor a comment")
        if keyword == "msgid":
            if parts["msgid"] and parts["msgstr"]:
                found[parts["msgid"]] = parts["msgstr"]
            parts = {"msgid": "", "msgstr": ""}
        into = keyword or into
        parts[into] += _unescaped(read[2])
    return found


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), text)


ENGLISH = Language({})
