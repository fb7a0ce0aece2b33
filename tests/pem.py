"""Certificates for servers on loopback, as files."""

from pathlib import Path

from lan.engine.certificates import Authority


def write_pem(folder: Path, *names: str, addresses: tuple[str, ...] = ("127.0.0.1",)) -> list[str]:
    """An authority (`authority.pem`), and what it signed for these names (`server.pem`, `key.pem`; both: `pair.pem`).

    Gives the words that tell a server of ours.
    """
    authority = Authority.create("a test")
    certificate, key = authority.issue(list(names), list(addresses))
    files = {"authority": authority.certificate_pem, "server": certificate, "key": key, "pair": certificate + key}
    for name, data in files.items():
        (folder / f"{name}.pem").write_bytes(data)
    return ["--certificate", str(folder / "server.pem"), "--key", str(folder / "key.pem")]
