"""Which frames a user means: ``tcp.flags.fin and dst=web``.  Pure.

    either   = both { ("or" | "||") both }
    both     = negated { ("and" | "&&") negated }
    negated  = { "not" | "!" } ( "(" either ")" | term )
    term     = FIELD [ COMPARE VALUE | "in" "{" VALUE { "," VALUE } "}" ]
    COMPARE  = "=" "==" "eq" | "!=" "ne" | "<" "lt" | "<=" "le" | ">" "gt" | ">=" "ge" | "contains" | "matches"

A field alone is true where the frame has it (of a bit: where it is set).  A comparison is true where any of the
field's values is so; `!=` where the frame has the field and none of its values is that.  `filter_fields.py` has
the names; texts are compared without regard to case.  A mistake shows its place and the nearest right word.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NoReturn

from lan.errors import UsageError, nearest
from lan.trace.filter_fields import ALIASES, FIELDS, PROTOCOLS, Field, Kind
from lan.trace.filter_values import TEXT_KINDS, MistakeError, Wanted, read_value
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline

Filter = Callable[[Frame, Timeline], bool]

COMPARISONS = {
    "=": "=", "==": "=", "eq": "=", "!=": "!=", "ne": "!=", "<": "<", "lt": "<", "<=": "<=", "le": "<=",
    ">": ">", "gt": ">", ">=": ">=", "ge": ">=", "contains": "contains", "matches": "matches", "~": "matches",
}  # fmt: skip
JOINING = {"and": "and", "&&": "and", "or": "or", "||": "or"}
NEGATING = {"not", "!"}
DEEPEST = 50
"""Brackets within brackets; nobody means more, and each costs the reader's stack."""
LONGEST = 10_000
"""Characters of a filter; more is no filter that anybody wrote."""
MANY = 24
"""More names than these are not listed for one mistake."""
ORDERED = {Kind.NUMBER, Kind.TIME}

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    | (?P<sign> == | != | <= | >= | && | \|\| | [=<>!~(){},] )
    | (?P<word> [^\s"'=<>!~(){},&|]+ )
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a filter, from character `start` to `end`; what was quoted is only ever a value."""

    text: str
    start: int
    end: int
    is_quoted: bool = False


def compile_filter(text: str, *, devices: Collection[str] | None = None) -> Filter:
    """What tells whether a frame of a timeline is meant.

    Raises UsageError that shows the place.  Where `devices` are given, a device of another name is a mistake.
    """
    return _Parser(text, devices).read()


class _Parser:
    def __init__(self, text: str, devices: Collection[str] | None) -> None:
        self.text, self.devices = text, devices
        self.tokens = self._tokens()
        self.at, self.depth = 0, 0

    def read(self) -> Filter:
        if not self.tokens:
            self._refuse("it is empty", 0, 0, expected="such as 'tcp.flags.fin and dst=web'")
        found = self._either()
        if (left := self._peek()) is not None:
            if left.text == ")":
                self._refuse("this bracket closes none", left.start, left.end)
            near = nearest(left.text, JOINING)
            hint = f"; did you mean {near!r}?" if near and not left.is_quoted else ""
            self._refuse(f"{left.text!r} stands where nothing is expected{hint}", left.start, left.end,
                         expected="'and' or 'or' between two terms")  # fmt: skip
        return found

    # ---- words

    def _tokens(self) -> list[Token]:
        if len(self.text) > LONGEST:
            raise UsageError(f"filter: {len(self.text)} characters", expected=f"{LONGEST} at most")
        found, at, end = [], 0, len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None:
                start = end - len(self.text[at:end].lstrip())
                mark = self.text[start]
                what = "this quotation mark closes nowhere" if mark in "\"'" else f"{mark!r} is no word of a filter"
                self._refuse(what, start, start + 1)
            assert match.lastgroup is not None
            word, (start, at) = match[match.lastgroup], match.span(match.lastgroup)
            is_quoted = match.lastgroup == "quoted"
            found.append(Token(re.sub(r"\\(.)", r"\1", word[1:-1]) if is_quoted else word, start, at, is_quoted))
        return found

    def _peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self, *signs: str) -> Token | None:
        """The next word, if it is one of these."""
        token = self._peek()
        if token is None or token.is_quoted or token.text.lower() not in signs:
            return None
        self.at += 1
        return token

    def _refuse(self, what: str, start: int, end: int, *, expected: str | None = None) -> NoReturn:
        raise UsageError(
            pointed(what, self.text, start, end), expected=expected, todo="lan trace --fields lists what can be asked"
        )

    def _refuse_end(self, expected: str) -> NoReturn:
        self._refuse("it ends too soon", len(self.text), len(self.text) + 1, expected=expected)

    # ---- sentences

    def _either(self) -> Filter:
        parts = [self._both()]
        while self._take("or", "||"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda frame, timeline: any(part(frame, timeline) for part in parts)

    def _both(self) -> Filter:
        parts = [self._negated()]
        while self._take("and", "&&"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else lambda frame, timeline: all(part(frame, timeline) for part in parts)

    def _negated(self) -> Filter:
        is_negated = False
        while self._take(*NEGATING):
            is_negated = not is_negated
        found = self._bracket() if self._take("(") else self._term()
        return (lambda frame, timeline: not found(frame, timeline)) if is_negated else found

    def _bracket(self) -> Filter:
        opened = self.tokens[self.at - 1]
        self.depth += 1
        if self.depth > DEEPEST:
            self._refuse(f"more than {DEEPEST} brackets within each other", opened.start, opened.end)
        found = self._either()
        if self._take(")") is None:
            left = self._peek()
            if left is None:
                self._refuse("this bracket is not closed", opened.start, opened.end, expected="')'")
            else:
                self._refuse(f"{left.text!r} stands where nothing is expected", left.start, left.end,
                             expected="'and', 'or' or ')'")  # fmt: skip
        self.depth -= 1
        return found

    def _term(self) -> Filter:
        field = self._field()
        after = self._peek()
        if after is not None and self._take("in") is not None:
            return self._one_of(field)
        if after is None or after.is_quoted or after.text.lower() not in COMPARISONS:
            return _is_there(field)
        self.at += 1
        comparison = COMPARISONS[after.text.lower()]
        self._check(field, comparison, after)
        return _compare(field, comparison, self._value(field, comparison))

    def _field(self) -> Field:
        token = self._peek()
        if token is None:
            self._refuse_end("a field, such as tcp.port or dst")
        self.at += 1
        name = token.text.lower()
        field = FIELDS.get(ALIASES.get(name, name))
        if field is None or token.is_quoted:
            self._refuse_field(token)
        return field

    def _refuse_field(self, token: Token) -> NoReturn:
        if token.is_quoted or not re.match(r"\w", token.text):
            what, expected = f"{token.text!r} stands where a field is expected", "a field, such as tcp.port or dst"
        else:
            name = token.text.lower()
            near = nearest(name, [*FIELDS, *ALIASES])
            head = name.partition(".")[0]
            siblings = [each for each in FIELDS if each.startswith(f"{head}.")] if head in PROTOCOLS else []
            what = f"there is no field {token.text!r}" + (f"; did you mean {near!r}?" if near else "")
            known = siblings or [each for each in FIELDS if "." not in each]
            expected = ", ".join(known[:MANY]) + (" …" if len(known) > MANY else "")
        self._refuse(what, token.start, token.end, expected=expected)

    def _check(self, field: Field, comparison: str, token: Token) -> None:
        """Whether a field of that kind can be compared so."""
        if comparison in ("<", "<=", ">", ">=") and field.kind not in ORDERED:
            what = f"{field.name} is {field.kind.value.partition(',')[0]}, of which none is greater"
            self._refuse(what, token.start, token.end, expected="= or !=")
        if comparison in ("contains", "matches") and field.kind not in TEXT_KINDS:
            what = f"{field.name} is {field.kind.value.partition(',')[0]}, and contains nothing"
            self._refuse(what, token.start, token.end, expected="=, !=" + (", <, >" if field.kind in ORDERED else ""))
        if field.kind is Kind.PROTOCOL:
            self._refuse(f"{field.name} is there or not, and has no value", token.start, token.end,
                         expected=f"{field.name} alone, or one of its fields, such as {_example(field)}")  # fmt: skip

    def _value(self, field: Field, comparison: str) -> Wanted:
        token = self._peek()
        if token is None:
            self._refuse_end(field.kind.value)
        self.at += 1
        if not token.is_quoted and token.text in (*COMPARISONS, "(", ")", "{", "}", ",", "!", "&&", "||"):
            self._refuse(f"{token.text!r} stands where a value is expected", token.start, token.end,
                         expected=field.kind.value)  # fmt: skip
        try:
            return read_value(field, comparison, token.text, self.devices)
        except MistakeError as mistake:
            self._refuse(mistake.what, token.start, token.end, expected=mistake.expected)

    def _one_of(self, field: Field) -> Filter:
        begun = self.tokens[self.at - 1]
        self._check(field, "=", begun)
        if self._take("{") is None:
            self._refuse("a set is expected", begun.end, begun.end + 1, expected=f"{field.name} in {{A, B}}")
        wanted = [self._value(field, "=")]
        while self._take("}") is None:
            self._take(",")
            if self._peek() is None:
                self._refuse_end("'}'")
            wanted.append(self._value(field, "="))
        return lambda frame, timeline: any(one(value) for value in field.values(frame, timeline) for one in wanted)


def _example(field: Field) -> str:
    return next((name for name in FIELDS if name.startswith(f"{field.name}.")), "type")


def _is_there(field: Field) -> Filter:
    if field.kind is Kind.BIT:
        return lambda frame, timeline: any(field.values(frame, timeline))
    return lambda frame, timeline: any(True for _ in field.values(frame, timeline))


def _compare(field: Field, comparison: str, wanted: Wanted) -> Filter:
    if comparison != "!=":
        return lambda frame, timeline: any(wanted(value) for value in field.values(frame, timeline))

    def differs(frame: Frame, timeline: Timeline) -> bool:
        values = list(field.values(frame, timeline))
        return bool(values) and not any(wanted(value) for value in values)

    return differs


def pointed(what: str, text: str, start: int, end: int) -> str:
    """A sentence, and below it the text with carets under the characters meant."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return f"filter: {what}\n    {shown}\n    {' ' * start}{'^' * max(end - start, 1)}"
