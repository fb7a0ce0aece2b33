"""An authoritative server's answer to one query, and why.  RFC 1034 §4.3.2, RFC 2308, RFC 6891.

Pure: a query's bytes come in, the answer's bytes and a reason come out.  dnslib knows the wire.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from dnslib import CLASS, EDNS0, QTYPE, RR, DNSError, DNSHeader, DNSLabel, DNSQuestion, DNSRecord
from dnslib.label import DNSLabelError

from lan.reasons import Reason
from lan.services.dns.zone import Name, RRset, Zone, Zones, name_of, text_of

NOERROR, FORMERR, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 3, 4, 5, 16
ANY_CLASS = 255
HEADER_BYTES = 12
QR, AA, TC, RD, CD, OPCODES = 0x8000, 0x0400, 0x0200, 0x0100, 0x0010, 0x7800
PLAIN_UDP_BYTES, LARGEST_UDP_BYTES, LARGEST_TCP_BYTES = 512, 1232, 65535
"""RFC 1035 §4.2.1; what no path fragments (DNS flag day 2020); RFC 1035 §4.2.2."""
LONGEST_NAME_BYTES = 255
META_TYPES = range(249, 255)
"""TKEY, TSIG, transfers and their kin; ANY is not one of them."""
FAULTS = (DNSError, DNSLabelError, ValueError, struct.error, IndexError, TypeError, RecursionError)
"""What dnslib raises for bytes that it can't read."""


class Answer(NamedTuple):
    """`data` goes back to the asker, None for nothing; `name` and `type` are the question in words."""

    data: bytes | None
    what: str
    why: Reason
    name: str = ""
    type: str = ""


@dataclass(slots=True)
class Found:
    """What the zones say, before it is bytes."""

    what: str
    why: Reason
    rcode: int = NOERROR
    answer: tuple[RR, ...] = ()
    authority: tuple[RR, ...] = ()
    additional: tuple[RR, ...] = ()
    is_authoritative: bool = True


class Responder:
    """Answers from its zones, and refuses what lies outside them."""

    def __init__(self, zones: Zones) -> None:
        self.zones = zones

    def answer(self, query: bytes, *, tcp: bool = False) -> Answer:
        """Answer a message of any bytes, if only by dropping it with a reason."""
        if len(query) < HEADER_BYTES:
            return Answer(None, "dropped", Reason("RFC 1035 §4.1.1", "shorter than a header"))
        flags, questions = struct.unpack_from("!HH", query, 2)
        if flags & QR:
            return Answer(None, "dropped", Reason("RFC 1035 §4.1.1", "a response, not a query"))
        unknown = _not_implemented(flags) if flags & OPCODES else None
        if questions != 1:
            why = Reason("RFC 9619 §4", "a query has one question", questions=questions)
            return _bare(query, unknown or Found("malformed", why, FORMERR))
        try:
            request = DNSRecord.parse(query)
        except FAULTS as fault:
            why = Reason("RFC 1035 §4.1", f"can't be read: {fault}")
            return _bare(query, unknown or Found("malformed", why, FORMERR))
        if sum(len(part) + 1 for part in request.q.qname.label) >= LONGEST_NAME_BYTES:
            return _bare(query, unknown or Found("malformed", Reason("RFC 1035 §3.1", "the name is too long"), FORMERR))
        return self._answer(request, unknown, tcp)

    def _answer(self, request: DNSRecord, found: Found | None, tcp: bool) -> Answer:
        question, options = request.q, [record for record in request.ar if record.rtype == QTYPE.OPT]
        option = options[0] if options else None
        if len(options) > 1 or any(one.rname.label for one in options):
            found = Found("malformed", Reason("RFC 6891 §6.1.1", "one OPT record, of the root"), FORMERR)
            found.is_authoritative, option = False, None
        found = found or _check(question, option) or self._look_up(question)
        data = _pack(request, found, option, tcp)
        return Answer(data, found.what, found.why, str(question.qname), QTYPE.get(question.qtype))

    def _look_up(self, question: DNSQuestion) -> Found:
        """RFC 1034 §4.3.2, following aliases for as long as they stay in our zones."""
        owner, kind = question.qname, question.qtype
        chain: list[RR] = []
        seen: set[Name] = set()
        while (zone := self.zones.find(name := name_of(owner))) is not None:
            if name in seen:
                return Found("answered", Reason("RFC 1034 §3.6.2", "aliases in a loop"), answer=tuple(chain))
            seen.add(name)
            sets, found = _at(zone, name, owner, chain)
            if sets is None:
                return found
            if QTYPE.CNAME in sets and kind not in (QTYPE.CNAME, QTYPE.ANY):
                chain += _owned(sets[QTYPE.CNAME], owner)
                owner = sets[QTYPE.CNAME][0].rdata.label
                continue
            return _of_type(zone, sets, kind, owner, chain, found.why)
        if chain:
            why = Reason("RFC 1034 §4.3.2", "the alias leads out of our zones", alias=str(owner))
            return Found("answered", why, answer=tuple(chain))
        why = Reason("RFC 1034 §4.3.2", "outside our zones", zones=" ".join(text_of(zone.apex) for zone in self.zones))
        return Found("refused", why, REFUSED, is_authoritative=False)


def _check(question: DNSQuestion, option: RR | None) -> Found | None:
    """What is refused before any zone is looked at."""
    if option is not None and _version(option) > 0:
        why = Reason("RFC 6891 §6.1.3", "an EDNS version that is not spoken here", version=_version(option))
        return Found("bad version", why, BADVERS, is_authoritative=False)
    if question.qclass not in (CLASS.IN, ANY_CLASS):
        why = Reason("RFC 1035 §3.2.4", "a class that is not served", dns_class=question.qclass)
        return Found("refused", why, REFUSED, is_authoritative=False)
    if question.qtype in META_TYPES or question.qtype == QTYPE.OPT:
        why = Reason("RFC 6895 §3.1", "not a type of data", type=QTYPE.get(question.qtype))
        return Found("refused", why, REFUSED, is_authoritative=False)
    return None


def _version(option: RR) -> int:
    return int(option.ttl) >> 16 & 0xFF


def _at(zone: Zone, name: Name, owner: DNSLabel, chain: list[RR]) -> tuple[dict[int, RRset] | None, Found]:
    """The RRsets that speak for `name`, with the reason; None and the whole answer where there are none."""
    if (cut := zone.cut_above(name)) is not None:
        return None, _referral(zone, cut, chain)
    if name in zone.names:
        why = Reason("RFC 1034 §4.3.2", "from the zone", zone=text_of(zone.apex))
        return zone.nodes.get(name, {}), Found("answered", why)
    wildcard = zone.source_of_synthesis(name)
    if wildcard is None:
        why = Reason("RFC 2308 §2.1", "no such name in the zone", zone=text_of(zone.apex))
        return None, Found("no such name", why, NXDOMAIN, tuple(chain), (negative_soa(zone),))
    why = Reason("RFC 4592 §3.3", "made from a wildcard", wildcard=text_of(wildcard))
    return zone.nodes.get(wildcard, {}), Found("answered", why)


def _of_type(zone: Zone, sets: dict[int, RRset], kind: int, owner: DNSLabel, chain: list[RR], why: Reason) -> Found:
    if kind == QTYPE.ANY and sets:
        kind, why = min(sets), Reason("RFC 8482 §4.1", "one set of records for ANY", had=len(sets))
    if kind in sets:
        return Found("answered", why, answer=(*chain, *_owned(sets[kind], owner)))
    why = Reason("RFC 2308 §2.2", "the name exists, without this type", zone=text_of(zone.apex))
    return Found("no data", why, answer=tuple(chain), authority=(negative_soa(zone),))


def _referral(zone: Zone, cut: Name, chain: list[RR]) -> Found:
    """The servers of a zone that was given away, and their addresses as far as we hold them."""
    servers = zone.nodes[cut][QTYPE.NS]
    hosts = [zone.nodes.get(name_of(server.rdata.label), {}) for server in servers]
    glue = tuple(record for host in hosts for kind in (QTYPE.A, QTYPE.AAAA) for record in host.get(kind, ()))
    why = Reason("RFC 1034 §4.3.2", "delegated", to=text_of(cut))
    return Found("referred", why, NOERROR, tuple(chain), servers, glue, is_authoritative=bool(chain))


def _owned(rrset: RRset, owner: DNSLabel) -> list[RR]:
    """The records under the name that was asked for: its case as asked, or a wildcard's instance."""
    return [RR(owner, record.rtype, record.rclass, record.ttl, record.rdata) for record in rrset]


def negative_soa(zone: Zone) -> RR:
    """The SOA record that says how long a "no" may be kept.  RFC 2308 §3."""
    soa = zone.soa()
    return RR(soa.rname, QTYPE.SOA, CLASS.IN, min(soa.ttl, soa.rdata.times[4]), soa.rdata)


def _pack(request: DNSRecord, found: Found, option: RR | None, tcp: bool) -> bytes:
    """The answer's bytes; without records but with TC set where they don't fit.  RFC 2181 §9."""
    opt = () if option is None else (_opt(option, found.rcode),)
    flags = QR | request.header.bitmap & (OPCODES | RD | CD) | (AA if found.is_authoritative else 0) | found.rcode & 0xF
    data = _assemble(request, flags, found.answer, found.authority, (*found.additional, *opt))
    if len(data) > _limit(option, tcp):
        return _assemble(request, flags | TC, (), (), opt)
    return data


def _opt(option: RR, rcode: int) -> EDNS0:
    """RFC 6891 §6.1.1; the DO bit is copied (RFC 3225 §3)."""
    return EDNS0(ext_rcode=rcode >> 4, udp_len=LARGEST_UDP_BYTES, flags="do" if option.ttl & 0x8000 else "")


def _limit(option: RR | None, tcp: bool) -> int:
    if tcp:
        return LARGEST_TCP_BYTES
    return PLAIN_UDP_BYTES if option is None else min(max(option.rclass, PLAIN_UDP_BYTES), LARGEST_UDP_BYTES)


def _assemble(
    request: DNSRecord, flags: int, answer: Iterable[RR], authority: Iterable[RR], additional: Iterable[RR]
) -> bytes:
    header = DNSHeader(id=request.header.id, bitmap=flags)
    return bytes(DNSRecord(header, [request.q], list(answer), auth=list(authority), ar=list(additional)).pack())


def _not_implemented(flags: int) -> Found:
    why = Reason("RFC 1035 §4.1.1", "an operation that is not implemented", opcode=(flags & OPCODES) >> 11)
    return Found("not implemented", why, NOTIMP, is_authoritative=False)


def _bare(query: bytes, found: Found) -> Answer:
    """A header alone, since nothing behind it can be trusted."""
    (flags,) = struct.unpack_from("!H", query, 2)
    header = struct.pack("!HHHHH", QR | flags & (OPCODES | RD) | found.rcode, 0, 0, 0, 0)
    return Answer(query[:2] + header, found.what, found.why)
