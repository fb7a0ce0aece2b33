"""The LAN's certificates: accepted by a verifying client for each name and address, and for no other."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from lan.engine.certificates import Authority
from lan.services.http.protocol import tls


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("LAN office")


def shake_hands(server: ssl.SSLContext, authority: Authority, host: str) -> None:
    """A TLS handshake in memory; raises what the client raises."""
    context = ssl.create_default_context(cadata=authority.certificate_pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(down, up, server_hostname=host)
    theirs = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass


NAMES, IPS = ["www.ark-inflearn.com", "web"], ["192.168.100.253", "fd00::1"]


@pytest.mark.parametrize("host", [*NAMES, *IPS])
def test_every_name_and_address_is_accepted(authority: Authority, host: str) -> None:
    certificate, key = authority.issue(NAMES, IPS)
    shake_hands(tls.server_context_of(certificate + key), authority, host)


@pytest.mark.parametrize("host", ["ark-inflearn.com", "192.168.100.254"])
def test_no_other_is(authority: Authority, host: str) -> None:
    certificate, key = authority.issue(NAMES, IPS)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"):
        shake_hands(tls.server_context_of(certificate + key), authority, host)


def test_another_authority_of_the_same_name_is_not_trusted(authority: Authority) -> None:
    certificate, key = Authority.create("LAN office").issue(NAMES, IPS)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tls.server_context_of(certificate + key), authority, "web")


def test_it_is_valid_an_hour_ago_and_no_longer_than_browsers_allow(authority: Authority) -> None:
    certificate = x509.load_pem_x509_certificate(authority.issue(["web"], [])[0])
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    assert begins < datetime.now(UTC) - timedelta(minutes=59)
    assert ends - begins <= timedelta(days=397)


def test_an_authority_comes_back_from_its_files(authority: Authority) -> None:
    again = Authority.load(authority.certificate_pem, authority.key_pem)
    certificate, key = again.issue([], ["10.0.0.1"])
    shake_hands(tls.server_context_of(certificate + key), authority, "10.0.0.1")


def test_a_foreign_key_is_refused(authority: Authority) -> None:
    with pytest.raises(ValueError, match="not this authority's"):
        Authority.load(authority.certificate_pem, Authority.create("other").key_pem)


@pytest.mark.parametrize(("names", "ips"), [([], []), ([], ["300.1.1.1"])])
def test_a_certificate_for_nobody_is_refused(authority: Authority, names: list[str], ips: list[str]) -> None:
    with pytest.raises(ValueError):
        authority.issue(names, ips)


def test_a_name_in_hangul_and_a_long_one_are_carried(authority: Authority) -> None:
    long = ".".join(["n" * 60] * 4)
    certificate = x509.load_pem_x509_certificate(authority.issue(["한국.kr", long], [])[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["xn--3e0b707e.kr", long]


def test_addresses_stand_as_addresses(authority: Authority) -> None:
    certificate = x509.load_pem_x509_certificate(authority.issue(NAMES, IPS)[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(ip) for ip in IPS]


def test_a_certificate_without_its_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no such file"):
        tls.server_context(tmp_path / "missing.pem", None)
