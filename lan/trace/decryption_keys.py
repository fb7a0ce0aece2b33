"""From a connection's secrets to the bytes of its records: TLS 1.2 and 1.3.  RFC 5246 §6.3, RFC 8446 §5, §7.  Pure.

AES-GCM, AES-CCM and ChaCha20-Poly1305 of both versions, and AES-CBC of TLS 1.2 (RFC 5246 §6.2.3.2, RFC 7366).
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

TAG_BYTES, IV_BYTES, GCM_SALT_BYTES, GCM_EXPLICIT_BYTES, BLOCK_BYTES = 16, 12, 4, 8, 16
SHORT_TAG_BYTES = 8


class Aead(Protocol):
    """A cipher that tells whether a record is whole."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class Undecipherable(Exception):  # noqa: N818 - reads as a fact, like Malformed
    """A record that these keys don't open: other keys, damage, or a cipher that is not known here."""


@dataclass(frozen=True, slots=True)
class Suite:
    """What of a cipher suite matters once the keys are agreed."""

    key_bytes: int
    digest: str
    kind: str
    """``gcm``, ``ccm``, ``ccm8``, ``chacha`` or ``cbc``."""
    mac: str = ""


def suite_of(name: str) -> Suite | None:
    """The suite of a name such as ``TLS_AES_128_GCM_SHA256``; None where it is not known here."""
    words = name.split("_")
    kind = next((kind for word, kind in KINDS.items() if word in words), None)
    if kind is None or (kind != "chacha" and "AES" not in words):
        return None
    if kind == "ccm":
        return Suite(16 if "128" in words else 32, "sha256", "ccm8" if words[-1] == "8" else "ccm")
    digest = "sha384" if words[-1] == "SHA384" else "sha256"
    if kind == "chacha":
        return Suite(32, digest, kind)
    return Suite(16 if "128" in words else 32, digest, kind, MACS.get(words[-1], "sha256") if kind == "cbc" else "")


KINDS = {"GCM": "gcm", "CCM": "ccm", "CHACHA20": "chacha", "CBC": "cbc"}
MACS = {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}


def expand_label(secret: bytes, label: str, length: int, digest: str) -> bytes:
    """HKDF-Expand-Label with an empty context.  RFC 8446 §7.1, RFC 5869 §2.3."""
    name = b"tls13 " + label.encode()
    info = struct.pack("!HB", length, len(name)) + name + b"\0"
    made, block, number = b"", b"", 1
    while len(made) < length:
        block = hmac.digest(secret, block + info + bytes((number,)), digest)
        made, number = made + block, number + 1
    return made[:length]


def prf(secret: bytes, label: bytes, seed: bytes, length: int, digest: str) -> bytes:
    """TLS 1.2's pseudorandom function.  RFC 5246 §5."""
    seed = label + seed
    made, a = b"", seed
    while len(made) < length:
        a = hmac.digest(secret, a, digest)
        made += hmac.digest(secret, a + seed, digest)
    return made[:length]


def _aead(suite: Suite, key: bytes) -> Aead:
    if suite.kind == "gcm":
        return AESGCM(key)
    if suite.kind == "chacha":
        return ChaCha20Poly1305(key)
    return AESCCM(key, SHORT_TAG_BYTES if suite.kind == "ccm8" else TAG_BYTES)


class Opener(Protocol):
    """One direction's records under one key, in their order."""

    def open(self, header: bytes, content: bytes) -> tuple[int, bytes]:
        """Content type and plaintext of a record; raises Undecipherable."""
        ...


class Opener13:
    """TLS 1.3.  RFC 8446 §5.2."""

    def __init__(self, suite: Suite, secret: bytes) -> None:
        self.suite, self.secret, self._number = suite, secret, 0
        self._cipher = _aead(suite, expand_label(secret, "key", suite.key_bytes, suite.digest))
        self._iv = int.from_bytes(expand_label(secret, "iv", IV_BYTES, suite.digest), "big")

    def open(self, header: bytes, content: bytes) -> tuple[int, bytes]:
        plain = _open(self._cipher, (self._iv ^ self._number).to_bytes(IV_BYTES, "big"), content, header)
        self._number += 1
        plain = plain.rstrip(b"\0")
        if not plain:
            raise Undecipherable("a record without a content type")
        return plain[-1], plain[:-1]

    def updated(self) -> "Opener13":
        """After a KeyUpdate.  RFC 8446 §7.2."""
        length = hashlib.new(self.suite.digest).digest_size
        return Opener13(self.suite, expand_label(self.secret, "traffic upd", length, self.suite.digest))


class OpenerAead12:
    """The AEAD suites of TLS 1.2.  RFC 5246 §6.2.3.3, RFC 5288, RFC 6655, RFC 7905."""

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self._cipher, self._iv, self._number = _aead(suite, key), iv, 0
        self._is_explicit = suite.kind != "chacha"
        self._tag_bytes = SHORT_TAG_BYTES if suite.kind == "ccm8" else TAG_BYTES

    def open(self, header: bytes, content: bytes) -> tuple[int, bytes]:
        if self._is_explicit:
            nonce, content = self._iv + content[:GCM_EXPLICIT_BYTES], content[GCM_EXPLICIT_BYTES:]
        else:
            nonce = (int.from_bytes(self._iv, "big") ^ self._number).to_bytes(IV_BYTES, "big")
        length = max(len(content) - self._tag_bytes, 0)
        about = self._number.to_bytes(8, "big") + header[:3] + length.to_bytes(2, "big")
        plain = _open(self._cipher, nonce, content, about)
        self._number += 1
        return header[0], plain


class OpenerCbc12:
    """The AES-CBC suites of TLS 1.2, whose MAC is inside, or outside by RFC 7366."""

    def __init__(self, key: bytes, mac_key: bytes, mac: str, *, is_mac_outside: bool) -> None:
        self._key, self._mac_key, self._mac, self._is_outside = key, mac_key, mac, is_mac_outside
        self._mac_bytes, self._number = hashlib.new(mac).digest_size, 0

    def open(self, header: bytes, content: bytes) -> tuple[int, bytes]:
        tag = b""
        if self._is_outside:
            content, tag = content[: -self._mac_bytes], content[-self._mac_bytes :]
            self._check(header, content, tag)
        if len(content) < 2 * BLOCK_BYTES or len(content) % BLOCK_BYTES:
            raise Undecipherable("no whole blocks")
        decryptor = Cipher(algorithms.AES(self._key), modes.CBC(content[:BLOCK_BYTES])).decryptor()
        plain = decryptor.update(content[BLOCK_BYTES:]) + decryptor.finalize()
        plain = plain[: len(plain) - 1 - plain[-1]]
        if not self._is_outside:
            plain, tag = plain[: -self._mac_bytes], plain[-self._mac_bytes :]
            self._check(header, plain, tag)
        self._number += 1
        return header[0], plain

    def _check(self, header: bytes, content: bytes, tag: bytes) -> None:
        about = self._number.to_bytes(8, "big") + header[:3] + len(content).to_bytes(2, "big")
        if not hmac.compare_digest(hmac.digest(self._mac_key, about + content, self._mac), tag):
            raise Undecipherable("the record's MAC is of another key")


def openers_12(
    suite: Suite, master: bytes, client_random: bytes, server_random: bytes, *, is_mac_outside: bool
) -> tuple[Opener, Opener]:
    """The client's and the server's direction of TLS 1.2.  RFC 5246 §6.3."""
    mac_bytes = hashlib.new(suite.mac).digest_size if suite.kind == "cbc" else 0
    iv_bytes = 0 if suite.kind == "cbc" else IV_BYTES if suite.kind == "chacha" else GCM_SALT_BYTES
    sizes = [size for size in (mac_bytes, suite.key_bytes, iv_bytes) for _ in "cs"]
    block = prf(master, b"key expansion", server_random + client_random, sum(sizes), suite.digest)
    parts, at = [], 0
    for size in sizes:
        parts.append(block[at : at + size])
        at += size
    made: list[Opener] = []
    for mac_key, key, iv in (parts[0::2], parts[1::2]):
        if suite.kind == "cbc":
            made.append(OpenerCbc12(key, mac_key, suite.mac, is_mac_outside=is_mac_outside))
        else:
            made.append(OpenerAead12(suite, key, iv))
    return made[0], made[1]


def _open(cipher: Aead, nonce: bytes, content: bytes, about: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, content, about)
    except (InvalidTag, ValueError) as fault:
        raise Undecipherable("the record's tag is of another key") from fault
