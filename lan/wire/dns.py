"""DNS messages, to look at.  RFC 1035 §4; the resource records' data are in `dns_rdata`."""

import struct
from collections.abc import Iterator
from dataclasses import field, replace
from typing import ClassVar, NamedTuple

from lan.wire import dns_edns as edns
from lan.wire import dns_names as names
from lan.wire.dns_rdata import rdata_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

HEADER_BYTES, PREFIX_BYTES = 12, 2
SECTION_NAMES = ("question", "answer", "authority", "additional")


class Question(NamedTuple):
    """What is asked: name, type and class in words (``www.lan.test``, ``A``, ``IN``)."""

    name: str
    type: str
    dns_class: str


@frozen
class Record:
    """One resource record; `data` is its value as a zone file writes it (``192.168.100.253``).

    `start` and `end` are its bytes in the frame; two records are equal wherever they stand.
    """

    name: str
    type: str
    ttl_s: int
    data: str
    dns_class: str = "IN"
    start: int = field(default=0, compare=False, repr=False)
    end: int = field(default=0, compare=False, repr=False)

    def words(self) -> str:
        if self.type == "OPT":
            return f"EDNS, {self.data}"
        return f"{self.name} {self.type} {self.data} (keep {self.ttl_s} s)"


@frozen
class Dns:
    """One message, as far as it could be read."""

    id: int
    is_response: bool
    opcode: int
    rcode: int
    authoritative: bool
    truncated: bool
    recursion_desired: bool
    recursion_available: bool
    questions: tuple[Question, ...] = ()
    answers: tuple[Record, ...] = ()
    authorities: tuple[Record, ...] = ()
    additionals: tuple[Record, ...] = ()
    over_tcp: bool = False
    problems: tuple[str, ...] = ()
    authentic: bool = False
    checking_disabled: bool = False
    question_ends: tuple[int, ...] = field(default=(), compare=False, repr=False)
    protocol_name: ClassVar[str] = "DNS"

    @property
    def rcode_name(self) -> str:
        """``NOERROR``, ``NXDOMAIN``…"""
        return names.RCODE_NAMES.get(self.rcode) or f"RCODE{self.rcode}"

    def summary(self) -> str:
        asked = ", ".join(f"{question.type} {question.name}" for question in self.questions) or self._opcode_words()
        if not self.is_response:
            return f"DNS {asked}? id=0x{self.id:04x}"
        return f"DNS {asked} → {self._outcome()} id=0x{self.id:04x}"

    def title(self) -> str:
        return f"DNS, {self._opcode_words()} {'answer, ' + self._outcome() if self.is_response else ''}".rstrip()

    def _opcode_words(self) -> str:
        return names.OPCODE_NAMES.get(self.opcode) or f"opcode {self.opcode}"

    def _outcome(self) -> str:
        if self.rcode:
            return f"{self.rcode_name} ({names.RCODE_WORDS.get(self.rcode, 'see RFC 6895')})"
        if self.truncated:
            return "truncated, ask again over TCP"
        wanted = {question.type for question in self.questions}
        found = [record for record in self.answers if record.type in wanted] or self.answers
        words = [each.data if each.type in wanted else f"{each.type} {each.data}" for each in found[:3]]
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        return ", ".join(words) + more if words else "no such record"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        if self.over_tcp:
            length = int.from_bytes(data[start : start + PREFIX_BYTES], "big")
            yield Field("length", length, count(length, "byte"), start, start + PREFIX_BYTES)
            start += PREFIX_BYTES
        yield Field("id", self.id, f"0x{self.id:04x}", start, start + 2)
        yield from self._flag_fields(start + 2)
        counts = struct.unpack_from("!HHHH", data, start + 4)
        for at, (number, name) in enumerate(zip(counts, SECTION_NAMES, strict=True)):
            yield Field(f"{name} count", number, str(number), start + 4 + 2 * at, start + 6 + 2 * at)
        begin = start + HEADER_BYTES
        for question, after in zip(self.questions, self.question_ends, strict=True):
            yield Field("question", tuple(question), f"{question.name} {question.type}?", begin, after)
            begin = after
        sections = (self.answers, self.authorities, self.additionals)
        for name, records in zip(SECTION_NAMES[1:], sections, strict=True):
            for record in records:
                value = (record.name, record.type, record.ttl_s, record.data)
                yield Field(name, value, record.words(), record.start, record.end)

    def _flag_fields(self, at: int) -> Iterator[Field]:
        yield Field("response", self.is_response, "answer" if self.is_response else "query", at, at + 1)
        yield Field("opcode", self.opcode, self._opcode_words(), at, at + 1)
        yield Field("authoritative", self.authoritative, _yes(self.authoritative), at, at + 1)
        yield Field("truncated", self.truncated, _yes(self.truncated), at, at + 1)
        yield Field("recursion desired", self.recursion_desired, _yes(self.recursion_desired), at, at + 1)
        yield Field("recursion available", self.recursion_available, _yes(self.recursion_available), at + 1, at + 2)
        yield Field("authentic data", self.authentic, _yes(self.authentic), at + 1, at + 2)
        yield Field("checking disabled", self.checking_disabled, _yes(self.checking_disabled), at + 1, at + 2)
        words = f"{self.rcode_name} ({names.RCODE_WORDS.get(self.rcode, 'see RFC 6895')})"
        yield Field("response code", self.rcode, words, at + 1, at + 2)


def _yes(bit: bool) -> str:
    return "yes" if bit else "no"


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Dns:
    """The message at `start`; raises Malformed where its header is not whole.

    `whole` is False where bytes behind `end` are not here.
    """
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, a DNS header has {HEADER_BYTES}")
    number, bits, *counts = struct.unpack_from("!HHHHHH", data, start)
    problems: list[str] = []
    questions: list[Question] = []
    ends: list[int] = []
    sections: tuple[list[Record], list[Record], list[Record]] = ([], [], [])
    at = start + HEADER_BYTES
    try:
        for _ in range(counts[0]):
            question, at = _read_question(data, at, start, end)
            questions.append(question)
            ends.append(at)
        for section, wanted in zip(sections, counts[1:], strict=True):
            for _ in range(wanted):
                record = _read_record(data, at, start, end, problems)
                section.append(record)
                at = record.end
        if at < end:
            problems.append(f"DNS message is followed by {count(end - at, 'byte')} it does not announce")
    except Malformed as fault:
        problems.append(f"DNS message: {fault}")
    return Dns(
        number,
        bool(bits & 0x8000),
        bits >> 11 & 15,
        bits & 15,
        bool(bits & 0x0400),
        bool(bits & 0x0200),
        bool(bits & 0x0100),
        bool(bits & 0x0080),
        tuple(questions),
        answers=tuple(sections[0]),
        authorities=tuple(sections[1]),
        additionals=tuple(sections[2]),
        problems=tuple(problems) if whole else (),
        authentic=bool(bits & 0x20),
        checking_disabled=bool(bits & 0x10),
        question_ends=tuple(ends),
    )


def is_tcp_beginning(data: bytes, start: int, end: int) -> bool:
    """Whether a segment begins with a length prefix and a DNS header; RFC 7766 §8 allows less, at a cost."""
    return end - start >= PREFIX_BYTES + HEADER_BYTES and data[start] << 8 | data[start + 1] >= HEADER_BYTES


def read_over_tcp(data: bytes, start: int, after: int, end: int) -> Dns:
    """The message of a segment of which `is_tcp_beginning` is true; its bytes end at `after`.  RFC 1035 §4.2.2.

    `end` is that of the segment: a message that is longer goes on in the next one.
    """
    length = int.from_bytes(data[start : start + PREFIX_BYTES], "big")
    message = read(data, start + PREFIX_BYTES, after, whole=start + PREFIX_BYTES + length <= end)
    return replace(message, over_tcp=True)


def _read_question(data: bytes, at: int, origin: int, end: int) -> tuple[Question, int]:
    name, at = names.read_name(data, at, origin, end)
    if at + 4 > end:
        raise Malformed("a question runs past the message")
    kind, dns_class = struct.unpack_from("!HH", data, at)
    return Question(name, names.type_name(kind), names.class_name(dns_class)), at + 4


def _read_record(data: bytes, start: int, origin: int, end: int, problems: list[str]) -> Record:
    name, at = names.read_name(data, start, origin, end)
    if at + 10 > end:
        raise Malformed("a record runs past the message")
    kind, dns_class, ttl_s, length = struct.unpack_from("!HHLH", data, at)
    at += 10
    if at + length > end:
        raise Malformed(f"a record of type {names.type_name(kind)} says {length} bytes of data, {end - at} are here")
    is_opt = kind == names.OPT  # whose class and TTL mean other things, RFC 6891 §6.1.2
    try:
        if is_opt:
            text = edns.words(dns_class, ttl_s, data, at, at + length)
        else:
            text = rdata_text(kind, data, at, at + length, origin)
    except Malformed as fault:
        problems.append(f"DNS {names.type_name(kind)} record of {name}: {fault}")
        text = data[at : at + length].hex(" ")
    if is_opt:
        return Record(name, "OPT", 0, text, str(dns_class), start, at + length)
    return Record(name, names.type_name(kind), ttl_s, text, names.class_name(dns_class), start, at + length)
