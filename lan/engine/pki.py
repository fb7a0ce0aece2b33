"""Makes the LAN's authority and its servers' certificates, in a process of its own.

Apart from the agent because the cryptography library takes a tenth of a second to import, which
passes beside the building.  Reads one JSON request: ``{device: {"names": […], "ips": […]}}``.
"""

import json
from pathlib import Path

from lan.engine.certificates import Authority
from lan.services.shell import announce_ready


def main(arguments: list[str]) -> int:
    """``LAN FOLDER``: request.json in FOLDER becomes authority.pem and, per device, certificate and key."""
    name, folder = arguments[0], Path(arguments[1])
    authority = Authority.create(f"lan {name} authority")
    for device, wanted in json.loads((folder / "request.json").read_text()).items():
        certificate, key = authority.issue(wanted["names"], wanted["ips"])
        (folder / f"{device}.certificate.pem").write_bytes(_bytes(certificate))
        (folder / f"{device}.key.pem").write_bytes(_bytes(key))
        (folder / f"{device}.key.pem").chmod(0o600)
    (folder / "authority.pem").write_bytes(_bytes(authority.certificate_pem))
    announce_ready("certificates")
    return 0


def _bytes(pem: str | bytes) -> bytes:
    return pem.encode() if isinstance(pem, str) else pem
