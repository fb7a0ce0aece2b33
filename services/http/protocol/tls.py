"""TLS settings of both roles: version 1.2 or later, certificates checked, nothing left to chance."""

import contextlib
import os
import ssl
from pathlib import Path

from lan.errors import RunError, UsageError


class AskedTls(ssl.SSLObject):
    """A server's side of TLS that knows by which name the client asked for it (SNI, RFC 6066 §3)."""

    asked_for: str | None = None


def _note_name(tls: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    assert isinstance(tls, AskedTls)
    tls.asked_for = name


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """For a server with this certificate chain.  Raises UsageError for files that don't fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class, context.sni_callback = AskedTls, _note_name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _log_keys(context)
    try:
        context.load_cert_chain(certificate, key)
    except FileNotFoundError as error:
        raise UsageError("no such file", where=error.filename or certificate, expected="a PEM file") from None
    except (ssl.SSLError, OSError) as error:
        expected = "a certificate chain and its private key, as PEM"
        raise UsageError(f"certificate and key don't work: {error}", where=certificate, expected=expected) from None
    return context


def server_context_of(pem: bytes) -> ssl.SSLContext:
    """For a server whose chain and key are in memory: OpenSSL reads files alone, so they lie in one without a name."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        file.write(pem)
        return server_context(Path(f"/proc/self/fd/{descriptor}"), None)


def client_context(authority: str | None = None) -> ssl.SSLContext:
    """For a client that trusts this authority file, else SSL_CERT_FILE, else the system's store."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the chain and the name or address
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    _log_keys(context)
    path = authority or os.environ.get("SSL_CERT_FILE")
    if path is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        expected = "certificates of authorities, as PEM"
        raise UsageError(f"can't be used: {error}", where=path, expected=expected) from None
    return context


def _log_keys(context: ssl.SSLContext) -> None:
    """Log the secrets of connections where SSLKEYLOGFILE says, as other programs do; not where it can't be written."""
    if path := os.environ.get("SSLKEYLOGFILE"):
        with contextlib.suppress(OSError):
            context.keylog_filename = path


def fault(error: ssl.SSLError, host: str, peer: str) -> RunError:
    """What went wrong in a client's TLS, in words: the certificate does not stand for `host`, or the protocol broke."""
    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"the certificate does not stand for {host}: {error.verify_message.rstrip('.')}"
        todo = "--cacert FILE, or SSL_CERT_FILE, with the authority that signed it"
        return RunError(what, where=peer, expected="a certificate of a trusted authority", todo=todo)
    what = f"TLS handshake: {(error.reason or str(error)).replace('_', ' ').lower()}"
    return RunError(what, where=peer, expected="a server that speaks TLS 1.2 or later")
