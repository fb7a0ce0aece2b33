"""The LAN's certificate authority: certificates that every client of the LAN accepts.  RFC 5280, RFC 9525.

Keys are ECDSA P-256: made in well under a millisecond, and known to every TLS client.  Each
certificate carries every name and every IP address of its server.  Nothing here is deterministic,
and nothing touches a file.
"""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATED = timedelta(hours=1)  # for clients whose clock is behind
AUTHORITY_VALID = timedelta(days=3652)
SERVER_VALID = timedelta(days=396)  # browsers refuse more than 398 days, CA/Browser Forum BR §6.3.2


class Authority:
    """A certificate authority: its certificate to be trusted, its key to sign servers' certificates."""

    def __init__(self, certificate: x509.Certificate, key: EllipticCurvePrivateKey) -> None:
        self._certificate, self._key = certificate, key

    @classmethod
    def create(cls, common_name: str) -> Self:
        """A new authority, valid for ten years; it may sign servers but no further authority."""
        key, name, now = generate_private_key(SECP256R1()), _name(common_name), datetime.now(UTC)
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = (
            _builder(name, name, key, now, AUTHORITY_VALID)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(key_id, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        )
        return cls(builder.sign(key, SHA256()), key)

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: bytes) -> Self:
        """An authority made earlier.  Raises ValueError for PEM that is none, or does not fit together."""
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        key = load_pem_private_key(key_pem, password=None)
        if not isinstance(key, EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ValueError("the key is not this authority's")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> bytes:
        """What clients must trust."""
        return self._certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The private key, PKCS #8, not encrypted: whoever holds it can stand for any server."""
        return _key_pem(self._key)

    def issue(self, names: list[str], ips: list[str]) -> tuple[bytes, bytes]:
        """A server's (certificate, private key) as PEM, for these names and addresses.

        The common name is the first of them.  Raises ValueError where both lists are empty or an
        address is none.
        """
        if not names and not ips:
            raise ValueError("a certificate needs at least one name or address")
        key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
        alternatives: list[x509.GeneralName] = [x509.DNSName(_ascii(name)) for name in names]
        alternatives += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ips]
        authority_id = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            _builder(_name([*names, *ips][0]), self._certificate.subject, key, now, SERVER_VALID)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id), critical=False)
        )
        certificate = builder.sign(self._key, SHA256())
        return certificate.public_bytes(Encoding.PEM), _key_pem(key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, valid: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + valid)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """An authority signs certificates and lists of revoked ones, a server its handshakes (RFC 5280 §4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    """A subject; a common name holds at most 64 characters (RFC 5280, appendix A.1)."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])


def _ascii(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode("ascii")


def _key_pem(key: EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
