"""Extensions of TLS's hellos: what each is called and says.  RFC 8446 §4.2, RFC 6066, RFC 7301, IANA's registry."""

from collections.abc import Callable

from lan.wire.layer import count, preview, printable
from lan.wire.tls_cursor import Cursor, Cut

SERVER_NAME, ALPN, SUPPORTED_VERSIONS = 0, 16, 43
STATUS_REQUEST, GROUPS, POINT_FORMATS, SIGNATURES, TIMESTAMP_LIST, KEY_SHARE, PSK_MODES = 5, 10, 11, 13, 18, 51, 45
NAMES = {
    SERVER_NAME: "server name",
    1: "maximum fragment length",
    STATUS_REQUEST: "status request",
    GROUPS: "supported groups",
    POINT_FORMATS: "point formats",
    SIGNATURES: "signature algorithms",
    15: "heartbeat",
    ALPN: "application protocols",
    TIMESTAMP_LIST: "signed certificate timestamps",
    21: "padding",
    22: "encrypt then MAC",
    23: "extended master secret",
    27: "compress certificate",
    28: "record size limit",
    34: "delegated credential",
    35: "session ticket",
    41: "pre-shared key",
    42: "early data",
    SUPPORTED_VERSIONS: "supported versions",
    44: "cookie",
    PSK_MODES: "pre-shared key modes",
    47: "certificate authorities",
    49: "post-handshake authentication",
    50: "signature algorithms of certificates",
    KEY_SHARE: "key share",
    57: "QUIC transport parameters",
    17513: "application settings",
    17613: "application settings",
    65037: "encrypted client hello",
    65281: "renegotiation info",
}
VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
GROUP_NAMES = {
    23: "secp256r1",
    24: "secp384r1",
    25: "secp521r1",
    29: "x25519",
    30: "x448",
    256: "ffdhe2048",
    257: "ffdhe3072",
    258: "ffdhe4096",
    259: "ffdhe6144",
    260: "ffdhe8192",
    4587: "SecP256r1MLKEM768",
    4588: "X25519MLKEM768",
    25497: "X25519Kyber768Draft00",
}
SIGNATURE_NAMES = {
    0x0201: "rsa_pkcs1_sha1",
    0x0203: "ecdsa_sha1",
    0x0401: "rsa_pkcs1_sha256",
    0x0403: "ecdsa_secp256r1_sha256",
    0x0501: "rsa_pkcs1_sha384",
    0x0503: "ecdsa_secp384r1_sha384",
    0x0601: "rsa_pkcs1_sha512",
    0x0603: "ecdsa_secp521r1_sha512",
    0x0804: "rsa_pss_rsae_sha256",
    0x0805: "rsa_pss_rsae_sha384",
    0x0806: "rsa_pss_rsae_sha512",
    0x0807: "ed25519",
    0x0808: "ed448",
    0x0809: "rsa_pss_pss_sha256",
    0x080A: "rsa_pss_pss_sha384",
    0x080B: "rsa_pss_pss_sha512",
}
PSK_MODE_NAMES = {0: "PSK alone", 1: "PSK with key exchange"}


def version_name(number: int) -> str:
    """``TLS 1.2``, or the number where it has no name here."""
    return VERSIONS.get(number) or f"version 0x{number:04x}"


def is_grease(number: int) -> bool:
    """Whether a value is one of those sent only to keep servers tolerant.  RFC 8701."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def name_of(kind: int) -> str:
    """``key share``, ``GREASE``, or the number where it has no name here."""
    return NAMES.get(kind) or ("GREASE" if is_grease(kind) else f"extension {kind}")


def words(kind: int, content: Cursor, *, is_client: bool) -> str:
    """What an extension says; never raises."""
    here = content.data[content.at : content.end]
    reader = READERS.get(kind)
    try:
        said = reader(content, is_client) if reader else ""
    except Cut:
        said = ""
    return said or preview(here) or "empty"


def server_name(content: Cursor) -> str | None:
    """The host name of the list; None where there is none.  RFC 6066 §3.  Raises Cut."""
    names = content.vector(2)
    while names.has_more():
        kind, name = names.number(1), names.vector(2)
        if kind == 0:
            return printable(name.take(name.end - name.at)) or None
    return None


def protocols(content: Cursor) -> tuple[str, ...]:
    """The protocols of ALPN, best first.  RFC 7301 §3.1.  Raises Cut."""
    names, found = content.vector(2), []
    while names.has_more():
        name = names.vector(1)
        found.append(printable(name.take(name.end - name.at)))
    return tuple(found)


def versions(content: Cursor, *, is_client: bool) -> list[int]:
    """The versions offered, or the one chosen.  RFC 8446 §4.2.1.  Raises Cut."""
    return (content.vector(1) if is_client else content).numbers(2)


def _server_name(content: Cursor, is_client: bool) -> str:
    return server_name(content) or ""


def _protocols(content: Cursor, is_client: bool) -> str:
    return ", ".join(protocols(content))


def _versions(content: Cursor, is_client: bool) -> str:
    return _listed(versions(content, is_client=is_client), VERSIONS)


def _groups(content: Cursor, is_client: bool) -> str:
    return _listed(content.vector(2).numbers(2), GROUP_NAMES)


def _signatures(content: Cursor, is_client: bool) -> str:
    return _listed(content.vector(2).numbers(2), SIGNATURE_NAMES)


def _key_share(content: Cursor, is_client: bool) -> str:
    """A client offers keys, a server answers with one, or names the group it wants.  RFC 8446 §4.2.8."""
    if not is_client and content.end - content.at == 2:
        return f"{_listed(content.numbers(2), GROUP_NAMES)} wanted"
    shares, said = content.vector(2) if is_client else content, []
    while shares.has_more():
        group, key = shares.number(2), shares.vector(2)
        said.append(f"{_listed([group], GROUP_NAMES)} ({count(key.end - key.at, 'byte')})")
    return ", ".join(said)


def _modes(content: Cursor, is_client: bool) -> str:
    return _listed(content.vector(1).numbers(1), PSK_MODE_NAMES)


def _pre_shared_key(content: Cursor, is_client: bool) -> str:
    if not is_client:
        return f"identity {content.number(2)}"
    identities, number = content.vector(2), 0
    while identities.has_more():
        identities.vector(2)
        identities.take(4)
        number += 1
    return f"{number} identities" if number != 1 else "1 identity"


def _limit(content: Cursor, is_client: bool) -> str:
    return count(content.number(2), "byte")


def _padding(content: Cursor, is_client: bool) -> str:
    return count(content.end - content.at, "byte")


def _ticket(content: Cursor, is_client: bool) -> str:
    return count(content.end - content.at, "byte") if content.has_more() else "asks for one"


def _listed(numbers: list[int], names: dict[int, str]) -> str:
    return ", ".join(names.get(number) or f"0x{number:04x}" for number in numbers if not is_grease(number))


READERS: dict[int, Callable[[Cursor, bool], str]] = {
    SERVER_NAME: _server_name,
    GROUPS: _groups,
    SIGNATURES: _signatures,
    50: _signatures,
    ALPN: _protocols,
    21: _padding,
    28: _limit,
    35: _ticket,
    41: _pre_shared_key,
    SUPPORTED_VERSIONS: _versions,
    PSK_MODES: _modes,
    KEY_SHARE: _key_share,
}
