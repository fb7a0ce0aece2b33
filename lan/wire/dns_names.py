"""DNS names on the wire, and the words for types, classes and codes.  RFC 1035 §3.1, §4.1.4; IANA's registry."""

from lan.wire.malformed import Malformed

LONGEST_NAME, MOST_POINTERS = 255, 127
"""A name has at most 127 labels: with a pointer before each it can still be read."""
A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, OPT = 1, 2, 5, 6, 12, 15, 16, 28, 33, 41

TYPE_NAMES = {
    A: "A",
    NS: "NS",
    CNAME: "CNAME",
    SOA: "SOA",
    PTR: "PTR",
    13: "HINFO",
    MX: "MX",
    TXT: "TXT",
    AAAA: "AAAA",
    SRV: "SRV",
    35: "NAPTR",
    39: "DNAME",
    OPT: "OPT",
    43: "DS",
    44: "SSHFP",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    51: "NSEC3PARAM",
    52: "TLSA",
    53: "SMIMEA",
    59: "CDS",
    60: "CDNSKEY",
    64: "SVCB",
    65: "HTTPS",
    99: "SPF",
    249: "TKEY",
    250: "TSIG",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
    256: "URI",
    257: "CAA",
}
CLASS_NAMES = {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
OPCODE_NAMES = {0: "query", 1: "inverse query", 2: "status", 4: "notify", 5: "update"}
RCODE_NAMES = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
    16: "BADVERS",
}
RCODE_WORDS = {
    0: "no error",
    1: "the server could not read the query",
    2: "the server failed",
    3: "no such name",
    4: "the server does not do this",
    5: "the server refuses",
}


def type_name(number: int) -> str:
    """``A``, or ``TYPE65280`` where it has no name here.  RFC 3597 §5."""
    return TYPE_NAMES.get(number) or f"TYPE{number}"


def class_name(number: int) -> str:
    """``IN``, or ``CLASS32769``."""
    return CLASS_NAMES.get(number) or f"CLASS{number}"


def read_name(data: bytes, at: int, origin: int, end: int) -> tuple[str, int]:
    """The name at `at` → (text, offset behind it); ``.`` is the root, others carry no final dot.

    `origin` is where the message starts.  A pointer must lead to before the labels it ends, as
    RFC 1035 §4.1.4 has it ("a prior occurrence"), so no loop is possible.  Raises Malformed.
    """
    labels: list[str] = []
    length, after, first, pointers = 1, 0, at, 0
    while True:
        if at >= end:
            raise Malformed("a DNS name runs past the message")
        size = data[at]
        if size >= 0xC0:
            if at + 1 >= end:
                raise Malformed("a DNS name pointer runs past the message")
            after = after or at + 2
            at = origin + ((size & 0x3F) << 8 | data[at + 1])
            pointers += 1
            if at >= first or pointers > MOST_POINTERS:
                raise Malformed(f"a DNS name pointer leads to {at - origin}, not back")
            first = at
            continue
        if size > 63:
            raise Malformed(f"a DNS label of type {size >> 6}, only labels and pointers exist")
        at += 1
        if size == 0:
            return ".".join(labels) or ".", after or at
        if at + size > end:
            raise Malformed("a DNS label runs past the message")
        length += size + 1
        if length > LONGEST_NAME:
            raise Malformed(f"a DNS name of more than {LONGEST_NAME} bytes")
        labels.append(label_text(data[at : at + size]))
        at += size


def label_text(label: bytes) -> str:
    """A label as zone files write it: dots and backslashes escaped, odd bytes as ``\\DDD``.  RFC 1035 §5.1."""
    if label.replace(b"-", b"").replace(b"_", b"").isalnum():
        return label.decode("ascii")
    return "".join(_escaped(byte) for byte in label)


def _escaped(byte: int) -> str:
    if byte in b".\\":
        return "\\" + chr(byte)
    return chr(byte) if 32 < byte < 127 else f"\\{byte:03d}"
