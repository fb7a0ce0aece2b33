"""Korean particles behind a fact: 은 or 는 by the sound that the word before it ends with.  Pure.

Catalogues write both forms, ``{ip}은(는)``; where the fact ends with a digit or a Korean syllable, its sound is known,
and so it is of an address in hex, which is read letter by letter.  Behind other letters both stay, as Korean programs
commonly do.
"""

import re

FORMS = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "와(과)": ("과", "와"),
    "(으)로": ("으로", "로"),
}
"""As written → behind a final consonant, behind a vowel."""
FINAL_OF_DIGIT = {"0": "ㅇ", "1": "ㄹ", "2": "", "3": "ㅁ", "4": "", "5": "", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ", "9": ""}
"""영 일 이 삼 사 오 육 칠 팔 구"""
HEX_ADDRESS = re.compile(r"(?<![^\W_])[0-9a-fA-F]*(:[0-9a-fA-F]*){2,}$")
"""A MAC or IPv6 address at the end; its letters, 에이 to 에프, all end with a vowel."""
FIRST_SYLLABLE, LAST_SYLLABLE, FINALS, RIEUL = 0xAC00, 0xD7A3, 28, 8


def choose(sentence: str) -> str:
    """The sentence with the particles that its facts want."""
    for both, (closed, opened) in FORMS.items():
        at = sentence.find(both)
        while at >= 0:
            final = _final(sentence[:at])
            if final is not None:
                is_open = not final or (both == "(으)로" and final == "ㄹ")
                sentence = sentence[:at] + (opened if is_open else closed) + sentence[at + len(both) :]
            at = sentence.find(both, at + 1)
    return sentence


def _final(before: str) -> str | None:
    """The final consonant of the last sound: "" for none, None where the spelling does not tell."""
    word = before.rstrip(")").rstrip()
    last = word[-1:]
    if last in FINAL_OF_DIGIT:
        return FINAL_OF_DIGIT[last]
    if last.isascii() and HEX_ADDRESS.search(word):
        return ""
    if last and FIRST_SYLLABLE <= ord(last) <= LAST_SYLLABLE:
        final = (ord(last) - FIRST_SYLLABLE) % FINALS
        return "" if final == 0 else "ㄹ" if final == RIEUL else "ㄱ"
    return None
