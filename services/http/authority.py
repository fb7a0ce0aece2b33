"""The certificate of a server or proxy: the one it was given, else one signed by an authority of the user's own.

That authority is made once and kept under the user's
state folder, so that it need be trusted only once; the certificate is made anew at each start, for
this machine's names and addresses.
"""

import importlib
import os
import socket
import ssl
import sys
from pathlib import Path

from lan.errors import MachineError, UsageError
from lan.services.http.protocol import tls


def server_tls(certificate: Path | None, key: Path | None, listen: tuple[str, int]) -> ssl.SSLContext:
    """What a server on this address shows its clients.  Raises LanError where files don't fit, or none can be made."""
    if certificate is not None:
        return tls.server_context(certificate, key)
    if key is not None:
        raise UsageError("--key without --certificate", expected="both, or neither to have a certificate made")
    return tls.server_context_of(own_certificate(listen))


def own_certificate(listen: tuple[str, int]) -> bytes:
    """Certificate and key, PEM, for a server on this address; says on stderr how to trust it.

    Raises MachineError where the authority can't be kept.
    """
    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "lan" / "authority"
    issuer = importlib.import_module("lan.engine.certificates")  # by name: it loads `cryptography`, and lies above us
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept, kept_key = folder / "authority.pem", folder / "authority-key.pem"
        if kept.exists() and kept_key.exists():
            authority = issuer.Authority.load(kept.read_bytes(), kept_key.read_bytes())
        else:
            authority = issuer.Authority.create(f"lan on {socket.gethostname()}")
            _write(kept_key, authority.key_pem)
            _write(kept, authority.certificate_pem)
        certificate, key = authority.issue(*_names(listen[0]))
    except (OSError, ValueError) as error:
        todo = "remove that folder, or give --certificate and --key"
        raise MachineError(f"no certificate can be made: {error}", where=folder, todo=todo) from None
    _say_how_to_trust(kept, listen)
    return bytes(certificate + key)


def _names(address: str) -> tuple[list[str], list[str]]:
    """The names and addresses under which this machine will be asked."""
    names, ips = ["localhost", socket.gethostname()], ["127.0.0.1", "::1"]
    if address not in ("0.0.0.0", "::", *ips):
        ips.append(address)
    else:
        ips += [ip for ip in _own_addresses() if ip not in ips]
    return names, ips


def _own_addresses() -> list[str]:
    """The address that this machine shows to others, where it has one; nothing is sent to find out."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            return [probe.getsockname()[0]]
    except OSError:
        return []


def _say_how_to_trust(authority: Path, listen: tuple[str, int]) -> None:
    url = f"https://localhost:{listen[1]}/"
    lines = (
        f"made a certificate; its authority is {authority}",
        f"  curl --cacert {authority} {url}",
        f"  lan-fetch --cacert {authority} {url}",
        "  browser: import that file as an authority; it can stand for any site, so keep its key to yourself",
    )
    print("\n".join(lines), file=sys.stderr, flush=True)


def _write(path: Path, data: bytes) -> None:
    """The whole file or none, readable by its owner alone."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    partial.rename(path)
