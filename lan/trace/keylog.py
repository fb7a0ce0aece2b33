"""The TLS key log: the secrets that programs write where SSLKEYLOGFILE says.  RFC 9850 (SSLKEYLOGFILE format).

A line is ``LABEL client-random secret``, both in hex; the client's random is how a connection is found.  Lines that
make no sense, and the half line that a program is writing just now, are passed over.  The comment ``# of DEVICE``, of
ours, says whose program wrote the lines below it.  Pure but for `LanKeys`, which reads the files that the devices of
one LAN write.
"""

from collections.abc import Iterable
from pathlib import Path

from lan.trace.growing import GrowingLogs

FILE = "tls-keys.log"
"""In a device's state folder; on the device it is ``/var/lib/lan/tls-keys.log``."""
MASTER = "CLIENT_RANDOM"
"""TLS 1.2 and before: the master secret."""
CLIENT_EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
CLIENT_HANDSHAKE, SERVER_HANDSHAKE = "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"
CLIENT_DATA, SERVER_DATA = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
LABELS = frozenset({
    *(MASTER, CLIENT_EARLY, CLIENT_HANDSHAKE, SERVER_HANDSHAKE, CLIENT_DATA, SERVER_DATA),
    *("EXPORTER_SECRET", "EARLY_EXPORTER_SECRET"),
})  # fmt: skip
OWNER = "# of "
RANDOM_BYTES = 32
SECRET_BYTES = frozenset({32, 48, 64})


class KeyLog:
    """Secrets by the client's random and their label."""

    def __init__(self, text: str = "") -> None:
        self._secrets: dict[bytes, dict[str, bytes]] = {}
        self._owners: dict[bytes, str] = {}
        self.add(text)

    def __len__(self) -> int:
        return len(self._secrets)

    def __contains__(self, client_random: bytes) -> bool:
        return client_random in self._secrets

    def __repr__(self) -> str:
        return f"<KeyLog of {len(self)} connections>"  # never a secret

    def add(self, text: str) -> int:
        """Take the lines of a key log; how many secrets of them were new."""
        new, owner = 0, ""
        for line in text.splitlines():
            if line.startswith(OWNER):
                owner = line.removeprefix(OWNER).strip()
            parts = line.split()
            if len(parts) != 3 or parts[0] not in LABELS:
                continue
            try:
                random, secret = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
            except ValueError:
                continue
            if len(random) == RANDOM_BYTES and len(secret) in SECRET_BYTES:
                found = self._secrets.setdefault(random, {})
                new += parts[0] not in found
                found.setdefault(parts[0], secret)
                if owner:
                    self._owners.setdefault(random, owner)
        return new

    def owner(self, client_random: bytes) -> str:
        """The device whose program wrote a connection's secrets first; "" where that is not known."""
        return self._owners.get(client_random, "")

    def secret(self, client_random: bytes, label: str) -> bytes | None:
        """One secret of a connection; None where it is not known."""
        return self._secrets.get(client_random, {}).get(label)

    def text(self, client_randoms: Iterable[bytes] | None = None) -> str:
        """The lines of these connections, or of all: what a file that others are to read needs, and no more."""
        lines, before = "", ""
        for random in self._secrets if client_randoms is None else dict.fromkeys(client_randoms):
            owner = self.owner(random)
            if owner != before and random in self._secrets:
                lines, before = f"{lines}{OWNER}{owner}\n", owner
            for label, secret in self._secrets.get(random, {}).items():
                lines += f"{label} {random.hex()} {secret.hex()}\n"
        return lines


class LanKeys:
    """The files that the devices of a LAN write, by its state folder; they grow while it runs."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._logs = GrowingLogs()

    def fresh(self) -> str:
        """The whole lines that have come since the last call, each device's below its name; "" where none have."""
        lines = ""
        for path in sorted(self._state.glob(f"devices/*/{FILE}")):
            told = [line for line in self._logs.fresh(path) if not line.startswith("#")]
            if told:
                lines += "".join(f"{line}\n" for line in [f"{OWNER}{path.parent.name}", *told])
        return lines
