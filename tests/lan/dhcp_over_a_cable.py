"""A DHCP server and a client, ours or others', at the two ends of a veth; prints what was seen.

    unshare --net --mount --pid --fork --kill-child --mount-proc  PYTHON dhcp_over_a_cable.py STORY FOLDER

STORY is a name in STORIES, FOLDER an empty one to write in.  As an ordinary user, add `--user
--map-root-user` to unshare.  The last line of the output is one JSON object.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lan.engine.syscalls import CLONE_NEWNET, unshare
from lan.wire.frame import Packet, decode

PC1 = "02:00:00:00:00:01"
LATEST_S = 30
PATIENT = ("--first-retry-s", "20")
"""For a client whose messages are counted: on a busy machine the answer may come after more than the usual 4 s."""
SCRIPT = """#!/bin/sh
# What udhcpc and dhclient call: set the address, and note what was given.
if [ -n "$1" ]; then new_ip_address=$ip new_domain_name_servers=$dns new_routers=$router reason=$1; fi
case $reason in
    bound|BOUND|renew|RENEW|REBOOT) ip address replace "$new_ip_address/24" dev pc1-eth0 ;;
    PREINIT|deconfig) ip link set pc1-eth0 up ;;
esac
echo "$reason $new_ip_address $new_routers $new_domain_name_servers" >>"${0%/*}/given"
"""


class Cable:
    """`dhcp-eth0` here, 192.168.100.252; `pc1-eth0` in a namespace of its own; and what passes between."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, []
        self.holder = self._namespace()
        call("ip", "link", "add", "dhcp-eth0", "type", "veth", "peer", "name", "pc1-eth0", "address", PC1)
        call("ip", "link", "set", "pc1-eth0", "netns", self.holder)
        call("ip", "address", "add", "192.168.100.252/24", "dev", "dhcp-eth0")
        call("ip", "link", "set", "dhcp-eth0", "up")
        call("nsenter", f"--net=/proc/{self.holder}/ns/net", "ip", "link", "set", "pc1-eth0", "up")
        while "state UP" not in call("ip", "link", "show", "dhcp-eth0"):  # until then the kernel drops what is sent
            select.select([], [], [], 0.001)
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.tap.bind(("dhcp-eth0", 3))
        self.tap.settimeout(LATEST_S)
        script = folder / "script"
        script.write_text(SCRIPT)
        script.chmod(0o755)

    def _namespace(self) -> int:
        reads, writes = os.pipe()
        if not (pid := os.fork()):
            unshare(CLONE_NEWNET)
            os.write(writes, b"!")
            while True:
                signal.pause()
        os.read(reads, 1)
        return pid

    def wait_for(self, *kinds: str) -> list[Packet]:
        """The DHCP messages from here on, until all of `kinds` came in their order."""
        found: list[Packet] = []
        for kind in kinds:
            while True:
                packet = decode(self.tap.recv(65535))
                if packet.dhcp is not None:
                    found.append(packet)
                    self.seen.append(packet)
                    if packet.dhcp.type and packet.dhcp.type.name == kind:
                        break
        return found

    def start(self, command: list[str], *, client: bool = False, log: str) -> "Program":
        return Program([*(["nsenter", f"--net=/proc/{self.holder}/ns/net"] if client else []), *command], self, log)

    def server(self) -> "Program":
        """Ours, with its settings in server.json."""
        words = ["--interface", "dhcp-eth0", "--config", str(self.folder / "server.json")]
        return self.start([*module("lan.services.dhcp"), *words, "--leases", str(self.folder / "leases")], log="server")

    def set(self, **settings: object) -> None:
        """The server's settings."""
        given = {"subnet": "192.168.100.0/24", "dns": "192.168.100.254", "router": "192.168.100.250", **settings}
        (self.folder / "server.json").write_text(json.dumps(given))

    def client(self, *words: str) -> "Program":
        """Ours."""
        files = ["--resolv", str(self.folder / "resolv.conf"), "--lease-file", str(self.folder / "lease.json")]
        command = [*module("lan.services.dhcp.client_main"), "--interface", "pc1-eth0", *files, *words]
        return self.start(command, client=True, log="client")

    def on_client(self, *command: str) -> Any:
        return json.loads(call("nsenter", f"--net=/proc/{self.holder}/ns/net", *command) or "[]")

    def addresses(self) -> list[str]:
        """The client's IPv4 addresses."""
        [link] = self.on_client("ip", "-j", "-4", "address", "show", "dev", "pc1-eth0") or [{}]
        return [f"{each['local']}/{each['prefixlen']}" for each in link.get("addr_info", [])]

    def leases(self) -> list[list[str]]:
        rows = map(json.loads, (self.folder / "leases").read_text().splitlines())
        return [[row["ip"], row["state"]] for row in rows]

    def wait_decisions(self, log: str, decision: str) -> None:
        """Until one program of ours has decided so: it may have been sent something, and not have read it yet."""
        until_s = time.monotonic() + LATEST_S
        while decision not in self.decisions(log):
            if time.monotonic() > until_s:
                sys.exit(f"waited in vain for {decision!r}: {self.decisions(log)}")
            select.select([], [], [], 0.01)

    def decisions(self, log: str) -> list[str]:
        """What one program of ours decided, in words."""
        lines = (self.folder / f"{log}.decisions").read_text().splitlines()
        return [f"{record['what']}: {record['reason']['text']}" for record in map(json.loads, lines)]


class Program:
    """A process whose readiness, if it is ours, comes by its pipe."""

    def __init__(self, command: list[str], cable: Cable, log: str) -> None:
        self._ready, writes = os.pipe()
        self.log = cable.folder / f"{log}.log"
        ours = {"LAN_READY_FD": str(writes), "LAN_DECISIONS": str(cable.folder / f"{log}.decisions")}
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=os.environ | ours,
                pass_fds=[writes],
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        os.close(writes)

    def ready(self) -> str:
        """What it says when it is ready; the end of the run where it ends instead."""
        in_time, _, _ = select.select([self._ready], [], [], LATEST_S)
        said = os.read(self._ready, 200).decode() if in_time else ""
        return said.strip() or sys.exit(f"{self.process.args!r} is not ready: {self.log.read_text()}")

    def ended(self) -> int:
        return self.process.wait(LATEST_S)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)


def call(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


def module(name: str) -> list[str]:
    return [sys.executable, "-m", name]


def office(cable: Cable) -> dict[str, Any]:
    """One exchange, ours with ours; then what pc1 has."""
    cable.set(pool="192.168.100.1-100", domain="ark-inflearn.com")
    ready = [cable.server().ready()]
    code = cable.client("--once", "--hostname", "pc1", *PATIENT).ended()
    cable.wait_for("DISCOVER", "OFFER", "REQUEST", "ACK")
    lease = json.loads((cable.folder / "lease.json").read_text())
    return {
        "ready": ready,
        "code": code,
        "addresses": cable.addresses(),
        "routes": [[route["dst"], route.get("gateway")] for route in cable.on_client("ip", "-j", "route")],
        "resolv": (cable.folder / "resolv.conf").read_text(),
        "lease": {key: lease[key] for key in ("ip", "server", "hostname", "mac", "state", "lease_s")},
        "leases": cable.leases(),
        "server": cable.decisions("server"),
        "client": cable.decisions("client"),
        "to": [[packet.ethernet.dst, packet.ipv4.dst] for packet in cable.seen if packet.ethernet and packet.ipv4],
    }


def life(cable: Cable) -> dict[str, Any]:
    """A lease renewed, kept over the server's kill -9, moved by a new pool, given back."""
    cable.set(pool="192.168.100.1-100")
    server = cable.server()
    server.ready()
    client = cable.client("--release")
    said = [client.ready()]
    cable.wait_for("ACK")
    client.signal(signal.SIGHUP)
    renewal = cable.wait_for("REQUEST", "ACK")
    cable.wait_decisions("client", "bound: the server extends the lease")  # while it renews, SIGHUP says nothing new
    server.signal(signal.SIGKILL)
    server.ended()
    with (cable.folder / "leases").open("ab") as leases:
        leases.write(b'{"mac":"02:00:00:')                      # what a kill in the middle leaves
    server = cable.server()
    server.ready()
    client.signal(signal.SIGHUP)
    cable.wait_for("ACK")
    cable.set(pool="192.168.100.50-60")
    server.signal(signal.SIGHUP)
    said.append(server.ready())
    held = cable.addresses()
    client.signal(signal.SIGTERM)
    cable.wait_for("RELEASE")
    codes = [client.ended()]
    released = cable.addresses()
    cable.client("--once").ended()
    cable.wait_for("ACK")
    server.signal(signal.SIGTERM)
    codes.append(server.ended())
    return {
        "ready": said,
        "renewal": [[packet.ipv4.src, packet.ipv4.dst] for packet in renewal if packet.ipv4],
        "held": held,
        "released": released,
        "moved": cable.addresses(),
        "codes": codes,
        "leases": cable.leases(),
    }


def conflict(cable: Cable) -> dict[str, Any]:
    """Somebody has the first address already: a client that probes declines it."""
    cable.set(pool="192.168.100.1-100")
    call("ip", "address", "add", "192.168.100.1/32", "dev", "dhcp-eth0")
    cable.server().ready()
    cable.client("--probe-s", "5", *PATIENT)
    cable.wait_for("DECLINE")
    return {"client": cable.decisions("client")[-1]}


def nobody(cable: Cable) -> dict[str, Any]:
    """No server at all."""
    client = cable.client("--timeout-s", "0.3", "--first-retry-s", "0.1")
    return {"code": client.ended(), "said": client.log.read_text()}


def our_server_and(command: Callable[[Cable], list[str]]) -> Callable[[Cable], dict[str, Any]]:
    def story(cable: Cable) -> dict[str, Any]:
        cable.set(pool="192.168.100.1-100")
        cable.server().ready()
        client = cable.start(command(cable), client=True, log="peer")
        cable.wait_for("DISCOVER", "OFFER", "REQUEST", "ACK")
        code = client.ended()
        given = (cable.folder / "given").read_text().splitlines()
        return {"code": code, "given": given, "addresses": cable.addresses(), "leases": cable.leases()}

    return story


def udhcpc(cable: Cable) -> list[str]:
    return ["udhcpc", "-i", "pc1-eth0", "-f", "-q", "-n", "-s", str(cable.folder / "script")]


def dhclient(cable: Cable) -> list[str]:
    # Outside its usual place, for AppArmor confines /sbin/dhclient to the system's own files.
    program = cable.folder / "dhclient"
    shutil.copy(shutil.which("dhclient") or "", program)
    files = ["-sf", str(cable.folder / "script"), "-lf", str(cable.folder / "dhclient.leases")]
    return [str(program), "-1", "-4", "-v", *files, "-pf", str(cable.folder / "dhclient.pid"), "pc1-eth0"]


def dnsmasq(cable: Cable) -> dict[str, Any]:
    """Our client, a dnsmasq: lease, renewal, release."""
    words = ["--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=dhcp-eth0", "--no-ping"]
    words += ["--dhcp-range=192.168.100.1,192.168.100.1,1h", f"--dhcp-leasefile={cable.folder / 'dnsmasq.leases'}"]
    words += ["--dhcp-option=option:dns-server,192.168.100.254", "--dhcp-authoritative", "--pid-file="]
    words += ["--log-facility=-", "--bind-interfaces", "--domain=lan.test"]
    cable.start(["dnsmasq", *words], log="dnsmasq")
    client = cable.client("--release", "--hostname", "pc1", "--first-retry-s", "0.2")
    ready = client.ready()
    cable.wait_for("DISCOVER", "OFFER", "REQUEST", "ACK")
    client.signal(signal.SIGHUP)
    cable.wait_for("REQUEST", "ACK")
    addresses = cable.addresses()
    client.signal(signal.SIGTERM)
    cable.wait_for("RELEASE")
    return {
        "ready": ready,
        "addresses": addresses,
        "code": client.ended(),
        "resolv": (cable.folder / "resolv.conf").read_text(),
        "left": cable.addresses(),
    }


STORIES: dict[str, Callable[[Cable], dict[str, Any]]] = {
    "office": office,
    "life": life,
    "conflict": conflict,
    "nobody": nobody,
    "udhcpc": our_server_and(udhcpc),
    "dhclient": our_server_and(dhclient),
    "dnsmasq": dnsmasq,
}


def main(story: str, folder: str) -> None:
    cable = Cable(Path(folder))
    found = STORIES[story](cable)
    found["messages"] = [packet.dhcp.type.name for packet in cable.seen if packet.dhcp and packet.dhcp.type]
    found["problems"] = [problem for packet in cable.seen for problem in packet.problems]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
