"""The real try of `lan whynot`, phase by phase: name, connection, TLS, request.  Runs on the client.

Prints the fields of `facts.Attempt` as JSON.  Whatever fails is a word in it, never an error.
"""

import contextlib
import http.client
import json
import os
import socket
import ssl
import sys
from math import ceil
from typing import Any

from cryptography import x509

from lan.whynot.discover import discover

HEADERS = {"Connection": "close", "User-Agent": "lan-whynot", "Accept": "*/*"}


def main(arguments: list[str]) -> int:
    """``KIND HOST PORT PATH PATIENCE_S``; for a lease HOST is the interface."""
    kind, host, port, path, patience = arguments
    patience_s = float(patience)
    if kind == "lease":
        said: dict[str, Any] = discover(host, patience_s)
    else:
        said = _resolve(host, patience_s)
        if said["addresses"] and kind in ("http", "https"):
            said |= _fetch(kind, host, said["addresses"][0], int(port), path, patience_s)
        elif kind in ("dns", "ping"):
            said["ok"] = bool(said["addresses"])
    json.dump(said, sys.stdout)
    return 0


def _resolve(host: str, patience_s: float) -> dict[str, Any]:
    """As every program of the device resolves a name: /etc/hosts, then the servers of resolv.conf."""
    os.environ["RES_OPTIONS"] = f"timeout:{ceil(patience_s)} attempts:1"  # it knows whole seconds alone
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError as fault:
        return {"addresses": [], "resolve_fault": fault.strerror or "no such name"}
    except UnicodeError:
        return {"addresses": [], "resolve_fault": "not a name"}
    return {"addresses": list(dict.fromkeys(str(each[4][0]) for each in found))}


def _fetch(kind: str, host: str, address: str, port: int, path: str, patience_s: float) -> dict[str, Any]:
    try:
        plain = socket.create_connection((address, port), patience_s)
    except TimeoutError:
        return {"connect_fault": "timed out"}
    except OSError as fault:
        return {"connect_fault": fault.strerror or str(fault)}
    with plain:
        if kind == "http":
            return _ask(plain, host, port, path)
        try:
            context = ssl.create_default_context()
            with context.wrap_socket(plain, server_hostname=host) as secure:
                shown = _certificate(secure.getpeercert(True))
                return _ask(secure, host, port, path) | {"certificate": shown}
        except ssl.SSLCertVerificationError as fault:
            said = {"tls_fault": fault.verify_message or str(fault)}
            return said | {"certificate": _shown(host, address, port, patience_s)}
        except TimeoutError:
            return {"tls_fault": "timed out"}
        except OSError as fault:
            return {"tls_fault": getattr(fault, "reason", None) or fault.strerror or str(fault)}


def _shown(host: str, address: str, port: int, patience_s: float) -> dict[str, Any] | None:
    """The certificate that was refused: asked for once more, by a client that takes any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), patience_s) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            return _certificate(secure.getpeercert(True))
    except OSError:
        return None


def _certificate(der: bytes | None) -> dict[str, Any] | None:
    if not der:
        return None
    read = x509.load_der_x509_certificate(der)
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound):
        held = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*held.get_values_for_type(x509.DNSName), *map(str, held.get_values_for_type(x509.IPAddress))]
    return {
        "names": names,
        "subject": read.subject.rfc4514_string(),
        "issuer": read.issuer.rfc4514_string(),
        "begins_s": read.not_valid_before_utc.timestamp(),
        "ends_s": read.not_valid_after_utc.timestamp(),
    }


def _ask(sock: socket.socket, host: str, port: int, path: str) -> dict[str, Any]:
    """One request on the connection, its response read to the end.  `http.client` does the reading."""
    said: dict[str, Any] = {}
    try:
        connection = http.client.HTTPConnection(host, port)
        connection.sock = sock
        connection.request("GET", path, headers=HEADERS)
        response = connection.getresponse()
        promised = response.getheader("Content-Length", "")
        said = {"status": response.status, "phrase": response.reason, "got_bytes": 0}
        said["promised_bytes"] = int(promised) if promised.isdigit() else None
        while piece := response.read1(65536):
            said["got_bytes"] += len(piece)
        if said["promised_bytes"] is not None and said["got_bytes"] < said["promised_bytes"]:
            said["http_fault"] = "cut short"
    except TimeoutError:
        said["http_fault"] = "silence"
    except http.client.RemoteDisconnected:
        said["http_fault"] = "closed"
    except ConnectionResetError:
        said["http_fault"] = "reset"
    except http.client.IncompleteRead:
        said["http_fault"] = "cut short"
    except (http.client.HTTPException, OSError, ValueError) as fault:
        said["http_fault"] = f"no HTTP: {fault or type(fault).__name__}"
    said["ok"] = not said.get("http_fault") and said["status"] < 400
    return said
