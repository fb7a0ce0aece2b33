"""Set-ups that are broken on purpose, each in one way, on one LAN; what `lan whynot` must find in each.

    pc1 ─┐              ┌─ dhcp .252
    pc2 ─┴─ s1 ─── s2 ──┼─ dns .254
                        ├─ web .253
                        └─ r1 .1 ── s3 ── far 10.0.2.2

pc1 has its address by DHCP, pc2 is .200.  Each set-up is undone before the next is made.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lan.testing.net import Net

TOPOLOGY = """
from mininet.topo import Topo

NET = "192.168.100"

class Breakable(Topo):
    def build(self):
        for switch in ("s1", "s2", "s3"):
            self.addSwitch(switch)
        self.addHost("pc1", kind="pc", dhcp=True)
        self.addHost("pc2", kind="pc", ip=f"{NET}.200/24", gateway=f"{NET}.1", dns=f"{NET}.254")
        self.addHost("dhcp", kind="dhcp-server", ip=f"{NET}.252/24", pool=f"{NET}.10-{NET}.20",
                     router=f"{NET}.1", dns=f"{NET}.254")
        self.addHost("dns", kind="dns-server", ip=f"{NET}.254/24", gateway=f"{NET}.1",
                     zone={"www.lan.test": f"{NET}.253", "far.lan.test": "10.0.2.2"})
        self.addHost("web", kind="web-server", ip=f"{NET}.253/24", names=["www.lan.test"], https=True,
                     gateway=f"{NET}.1",
                     faults={"/slow/*": "stall:30", "/reset/*": "reset:0", "/short/*": "early-close:5"})
        self.addHost("r1", kind="pc", ip=f"{NET}.1/24", sysctls={"net.ipv4.ip_forward": 1})
        self.addHost("far", kind="web-server", ip="10.0.2.2/24", names=["far.lan.test"], gateway="10.0.2.1")
        for host in ("pc1", "pc2"):
            self.addLink(host, "s1")
        self.addLink("s1", "s2")
        for host in ("dhcp", "dns", "web", "r1"):
            self.addLink(host, "s2")
        self.addLink("r1", "s3", params1={"ip": "10.0.2.1/24"})
        self.addLink("far", "s3")

topos = {"breakable": Breakable}
"""
WEB, DNS, FAR, NOBODY = "192.168.100.253", "192.168.100.254", "10.0.2.2", "192.168.100.77"
MAC = "02:00:00:00:00:99"
SPEAKER = """
import socket, ssl, sys
sock = socket.create_server((sys.argv[1], int(sys.argv[2])))
context = None
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
print("ready", flush=True)
while True:
    peer, _ = sock.accept()
    try:
        if context:
            peer = context.wrap_socket(peer, server_side=True)
        peer.sendall(b"220 no web server here\\r\\n")
        peer.close()
    except OSError:
        pass
"""
"""A server of another protocol: ADDRESS PORT [CERTIFICATE]."""
Do = Callable[[Net, ExitStack], None]


@dataclass(frozen=True)
class Breakage:
    """One set-up: how it is made (what is pushed on the stack undoes it), what is asked, what must be found, where."""

    name: str
    ask: str
    code: str
    device: str
    make: Do
    only: str = ""
    """The switch, ovs or bridge, that it can be made on."""


def on(device: str, *command: str) -> Callable[[Net], None]:
    """A command on a device, which must succeed."""

    def run(net: Net) -> None:
        done = net.run(device, *command)
        assert done.returncode == 0, f"{device}: {' '.join(command)}: {done.stdout}{done.stderr}"

    return run


def both(do: Callable[[Net], None], *undo: Callable[[Net], None]) -> Do:
    """Do it now, undo it later."""

    def make(net: Net, stack: ExitStack) -> None:
        for one in reversed(undo):
            stack.callback(one, net)
        do(net)

    return make


def command(device: str, do: str, *undo: str) -> Do:
    """A line for `device`, and lines that undo it."""
    return both(on(device, *do.split()), *(on(device, *line.split()) for line in undo))


def pulled(a: str, b: str) -> Do:
    return both(lambda net: net.link(a, b).unplug(), lambda net: net.link(a, b).plug())


def lossy(a: str, b: str, sender: str | None = None) -> Do:
    return both(lambda net: net.link(a, b).set(sender=sender, loss="100%"), lambda net: net.link(a, b).reset())


def rules(device: str, hook: str, rule: str, policy: str = "accept", family: str = "inet") -> Do:
    """A firewall with one rule."""
    text = f"table {family} wall {{ chain it {{ type filter hook {hook} priority 0; policy {policy};\n{rule}\n}}\n}}\n"

    def add(net: Net) -> None:
        done = net.run(device, "nft", "-f", "-", input=text)
        assert done.returncode == 0, done.stderr

    return both(add, on(device, "nft", "delete", "table", family, "wall"))


def setting(device: str, undo: dict[str, str], **settings: str) -> Do:
    return both(lambda net: net[device].set(**settings), lambda net: net[device].set(**undo))


def record(do: str, *undo: str) -> Do:
    return both(
        lambda net: net["dns"].set(record=do), *(lambda net, line=line: net["dns"].set(record=line) for line in undo)
    )


def stopped(device: str) -> Do:
    return both(lambda net: net[device].stop(), lambda net: net[device].start())


def written(device: str, file: str, text: str, *, append: bool = False) -> Do:
    """Other words in a file of a device, or more of them."""

    def make(net: Net, stack: ExitStack) -> None:
        before = net.run(device, "cat", file).stdout
        stack.callback(net.run, device, "tee", file, input=before, stdout=subprocess.DEVNULL)
        net.run(device, "tee", file, input=before + text if append else text, stdout=subprocess.DEVNULL)

    return make


def speaker(device: str, address: str, port: int, certificate: Path | None = None) -> Do:
    """A program of another kind on a port."""

    def make(net: Net, stack: ExitStack) -> None:
        words = [sys.executable, "-c", SPEAKER, address, str(port), *([str(certificate)] if certificate else [])]
        process = net[device].popen(
            *words, stdout=subprocess.PIPE, text=True, folder=certificate and str(certificate.parent)
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"

    return make


def together(*parts: Do) -> Do:
    def make(net: Net, stack: ExitStack) -> None:
        for part in parts:
            part(net, stack)

    return make


def suspended(device: str, program: str) -> Do:
    return both(on(device, "pkill", "-STOP", "-f", program), on(device, "pkill", "-CONT", "-f", program))


def exhausted(net: Net, stack: ExitStack) -> None:
    """A pool of one address, which pc2 has."""
    stack.callback(net["pc1"].set, ip="dhcp")
    stack.callback(net["dhcp"].set, pool="192.168.100.10-192.168.100.20")
    stack.callback(net["pc2"].set, ip="192.168.100.200/24", gateway="192.168.100.1", dns=DNS)
    net["dhcp"].set(pool="192.168.100.30-192.168.100.30")
    net["pc2"].set(ip="dhcp")
    address_gone("pc1")(net)


def address_gone(device: str) -> Callable[[Net], None]:
    return on(device, "ip", "address", "flush", "dev", f"{device}-eth0")


def stranger(net: Net, stack: ExitStack) -> None:
    """A second DHCP server, on dns, for a network of its own."""
    on("dns", "ip", "address", "add", "10.66.0.1/24", "dev", "dns-eth0")(net)
    stack.callback(on("dns", "ip", "address", "del", "10.66.0.1/24", "dev", "dns-eth0"), net)
    words = ["--interface", "dns-eth0", "--subnet", "10.66.0.0/24", "--pool", "10.66.0.10-20"]
    main = "import sys; from lan.services.dhcp.__main__ import main; sys.exit(main(sys.argv[1:]))"
    where = str(Path(__file__).resolve().parents[2])
    process = net["dns"].popen(
        sys.executable, "-c", main, *words, stderr=subprocess.PIPE, text=True, env={"PYTHONPATH": where}
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    assert process.stderr is not None and "ready" in process.stderr.readline()


def port(net: Net, switch: str, other: str) -> str:
    """The interface of a switch at which another device is plugged."""
    links = net.running.spec.links
    return next(link.end(switch).interface for link in links if {link.a.device, link.b.device} == {switch, other})


def switch_port(words: str, undo: str) -> Do:
    """A command on s2 about web's port, with {port} for its name."""

    def make(net: Net, stack: ExitStack) -> None:
        name = port(net, "s2", "web")
        on("s2", *words.format(port=name).split())(net)
        stack.callback(on("s2", *undo.format(port=name).split()), net)

    return make


def static_row(net: Net, stack: ExitStack) -> None:
    """web's MAC address by hand at the port of dns."""
    mac = next(row.mac for row in net["web"].table("interfaces") if row.interface == "web-eth0")
    wrong = port(net, "s2", "dns")
    on("s2", "bridge", "fdb", "replace", mac, "dev", wrong, "master", "static")(net)
    stack.callback(on("s2", "bridge", "fdb", "del", mac, "dev", wrong, "master", "static"), net)


def deaf(net: Net, stack: ExitStack) -> None:
    """web's firewall drops the answers to its own ARP questions; pc2 knows web by hand, rightly."""
    mac = next(row.mac for row in net["web"].table("interfaces") if row.interface == "web-eth0")
    on("pc2", "ip", "neigh", "replace", WEB, "lladdr", mac, "nud", "permanent", "dev", "pc2-eth0")(net)
    stack.callback(on("pc2", "ip", "neigh", "del", WEB, "dev", "pc2-eth0"), net)
    rules("web", "input", "drop", family="arp")(net, stack)
    on("web", "ip", "neigh", "flush", "dev", "web-eth0")(net)


def dropped(net: Net, stack: ExitStack) -> None:
    """A flow on s2, put in beside the controller, that drops what is for web."""
    mac = next(row.mac for row in net["web"].table("interfaces") if row.interface == "web-eth0")
    join = ["nsenter", "-t", str(net.running.pid), "-m", "-n", *([] if os.geteuid() == 0 else ["-U"])]
    bridge = [*join, "ovs-ofctl", "-O", "OpenFlow13"]
    place, match = "unix:/run/lan/ovs/s2.mgmt", f"table=0,priority=500,dl_dst={mac}"
    subprocess.run([*bridge, "add-flow", place, f"{match},actions=drop"], check=True)
    stack.callback(subprocess.run, [*bridge, "--strict", "del-flows", place, match], check=True)


def answers_astray(net: Net, stack: ExitStack) -> None:
    """web's ARP table holds a wrong MAC address for pc1, by hand."""
    address = net["pc1"].address
    assert address is not None
    on("web", "ip", "neigh", "replace", address, "lladdr", MAC, "nud", "permanent", "dev", "web-eth0")(net)
    stack.callback(on("web", "ip", "neigh", "del", address, "dev", "web-eth0"), net)


def certified(folder: Path) -> dict[str, Path]:
    """Certificates of nobody's authority: PEM files with their keys, by what is wrong with them."""
    kinds = {"expired": (-20, -10), "early": (10, 20), "stranger": (-1, 10)}
    return {kind: _make_certificate(folder / f"{kind}.pem", *days) for kind, days in kinds.items()}


def _make_certificate(file: Path, begins_days: int, ends_days: int) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "www.lan.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins_days))
        .not_valid_after(now + timedelta(days=ends_days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.lan.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(secret + made.public_bytes(pem))
    return file


def shown(kind: str, *, trusted: bool) -> Do:
    """web shows another certificate, which pc1 trusts or not."""

    def make(net: Net, stack: ExitStack) -> None:
        file = certified(net.state)[kind]
        if trusted:
            only = file.read_text().partition("-----END PRIVATE KEY-----\n")[2]
            written("pc1", "/etc/ssl/certs/ca-certificates.crt", only, append=True)(net, stack)
        stopped("web")(net, stack)
        speaker("web", "0.0.0.0", 443, file)(net, stack)

    return make


forgotten = together(command("web", "ip neigh flush dev web-eth0"), command("pc2", "ip neigh flush dev pc2-eth0"))
"""Neither knows the other's MAC address; web first, for its question would tell pc2."""
WEB_ROUTE = "ip route replace default via 192.168.100.1"
PC2 = {"ip": "192.168.100.200/24", "gateway": "192.168.100.1", "dns": DNS}
ICMP_OFF = "sysctl -qw net.ipv4.icmp_echo_ignore_all="
BREAKAGES = (
    # the link
    Breakage("client-cable", "ping pc2 web", "cable.pulled", "pc2", pulled("pc2", "s1")),
    Breakage("server-cable", "ping pc1 web", "cable.pulled", "s2", pulled("web", "s2")),
    Breakage("trunk-cable", "http pc1 192.168.100.253", "cable.pulled", "s1", pulled("s1", "s2")),
    Breakage("lossy-cable", "ping pc2 web", "cable.loss", "pc2", lossy("pc2", "s1")),
    Breakage("lossy-answers", "ping pc2 web", "cable.loss", "web", lossy("web", "s2", "web")),
    Breakage("server-interface", "ping pc1 web", "interface.down", "web",
             command("web", "ip link set web-eth0 down", "ip link set web-eth0 up", WEB_ROUTE)),
    Breakage("client-interface", "ping pc2 web", "interface.down", "pc2",
             command("pc2", "ip link set pc2-eth0 down", "ip link set pc2-eth0 up", WEB_ROUTE)),
    Breakage("switch-port", "ping pc1 web", "switch.port", "s2",
             switch_port("ip link set {port} down", "ip link set {port} up")),
    Breakage("switch-port-state", "ping pc1 web", "switch.port", "s2",
             switch_port("bridge link set dev {port} state 0", "bridge link set dev {port} state 3"), "bridge"),
    Breakage("switch-row", "ping pc1 web", "switch.static", "s2", static_row, "bridge"),
    Breakage("switch-flow", "ping pc1 web", "switch.silent", "s2", dropped, "ovs"),
    # addresses
    Breakage("no-address", "ping pc2 web", "address.none", "pc2",
             command("pc2", "ip address flush dev pc2-eth0", "ip address add 192.168.100.200/24 dev pc2-eth0",
                     WEB_ROUTE)),
    Breakage("lost-address", "http pc1 www.lan.test", "address.lost", "web",
             command("web", "ip address flush dev web-eth0", f"ip address add {WEB}/24 dev web-eth0", WEB_ROUTE)),
    Breakage("two-owners", "ping pc1 web", "address.twice", "dns",
             command("dns", f"ip address add {WEB}/24 dev dns-eth0", f"ip address del {WEB}/24 dev dns-eth0")),
    # the lease
    Breakage("no-dhcp-client", "lease pc1", "lease.client", "pc1", stopped("pc1")),
    Breakage("no-dhcp-client-no-ping", "ping pc1 web", "lease.client", "pc1",
             together(both(address_gone("pc1"), lambda net: net["pc1"].set(ip="dhcp")), stopped("pc1"))),
    Breakage("dhcp-stopped", "lease pc1", "listener.ended", "dhcp", stopped("dhcp")),
    Breakage("dhcp-cable", "lease pc1", "cable.pulled", "s2", pulled("dhcp", "s2")),
    Breakage("dhcp-firewall", "lease pc1", "firewall.drop", "dhcp", rules("dhcp", "input", "udp dport 67 drop")),
    Breakage("dhcp-pool", "lease pc1", "lease.pool", "dhcp", exhausted),
    Breakage("dhcp-stranger", "lease pc1", "lease.rogue", "dns", stranger),
    # ARP
    Breakage("arp-row", "ping pc2 web", "arp.wrong", "pc2",
             command("pc2", f"ip neigh replace {WEB} lladdr {MAC} nud permanent dev pc2-eth0",
                     f"ip neigh del {WEB} dev pc2-eth0")),
    Breakage("arp-row-back", "http pc1 www.lan.test", "arp.wrong", "web", answers_astray),
    Breakage("arp-off", "ping pc2 web", "arp.off", "web",
             together(command("web", "ip link set web-eth0 arp off", "ip link set web-eth0 arp on"),
                      forgotten)),
    Breakage("arp-ignored", "ping pc2 dhcp", "arp.ignored", "dhcp",
             together(command("dhcp", "sysctl -qw net.ipv4.conf.all.arp_ignore=8",
                              "sysctl -qw net.ipv4.conf.all.arp_ignore=0"),
                      command("dhcp", "ip neigh flush dev dhcp-eth0"), command("pc2", "ip neigh flush dev pc2-eth0"))),
    Breakage("arp-firewall", "ping pc2 web", "arp.filtered", "web",
             together(rules("web", "input", "drop", family="arp"), forgotten)),
    Breakage("arp-answers", "ping pc2 web", "arp.filtered", "web", deaf),
    # routes
    Breakage("no-route", "ping pc2 far", "route.none", "pc2", command("pc2", "ip route del default", WEB_ROUTE)),
    Breakage("no-such-gateway", "ping pc2 far", "gateway.nobody", "pc2",
             command("pc2", f"ip route replace default via {NOBODY}", WEB_ROUTE)),
    Breakage("wrong-gateway", "ping pc2 far", "gateway.wrong", "pc2",
             command("pc2", f"ip route replace default via {WEB}", WEB_ROUTE)),
    Breakage("blackhole", f"ping pc2 {FAR}", "route.refused", "pc2",
             command("pc2", f"ip route add blackhole {FAR}", f"ip route del blackhole {FAR}")),
    Breakage("on-link", "ping pc2 far", "route.on-link", "pc2",
             command("pc2", "ip route add 10.0.0.0/8 dev pc2-eth0", "ip route del 10.0.0.0/8 dev pc2-eth0")),
    Breakage("not-forwarding", "http pc1 far.lan.test", "forward.off", "r1",
             command("r1", "sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1")),
    Breakage("no-way-back", "http pc1 far.lan.test", "route.none", "far",
             command("far", "ip route del default", "ip route add default via 10.0.2.1")),
    Breakage("far-cable", "http pc1 far.lan.test", "cable.pulled", "r1", pulled("r1", "s3")),
    # firewalls
    Breakage("web-drops", "http pc1 www.lan.test", "firewall.drop", "web",
             rules("web", "input", "tcp dport { 80, 443 } drop")),
    Breakage("web-rejects", "http pc1 www.lan.test", "firewall.reject", "web",
             rules("web", "input", "tcp dport 80 reject with tcp reset")),
    Breakage("pc1-drops", "http pc1 www.lan.test", "firewall.drop", "pc1", rules("pc1", "output", "tcp dport 80 drop")),
    Breakage("answers-drop", "http pc1 www.lan.test", "firewall.drop", "web",
             rules("web", "output", "tcp sport 80 drop")),
    Breakage("router-drops", "ping pc2 far", "firewall.drop", "r1", rules("r1", "forward", "", policy="drop")),
    Breakage("ping-drops", "ping pc1 web", "firewall.drop", "web",
             rules("web", "input", "icmp type echo-request drop")),
    Breakage("ping-ignored", "ping pc1 web", "icmp.ignored", "web",
             command("web", f"{ICMP_OFF}1", f"{ICMP_OFF}0")),
    Breakage("dns-drops", "http pc1 www.lan.test", "firewall.drop", "dns", rules("dns", "input", "udp dport 53 drop")),
    # names
    Breakage("no-resolver", "http pc2 www.lan.test", "name.no-server", "pc2", written("pc2", "/etc/resolv.conf", "")),
    Breakage("resolver-nobody", "dns pc2 www.lan.test", "name.server-nobody", "pc2",
             written("pc2", "/etc/resolv.conf", f"nameserver {NOBODY}\n")),
    Breakage("resolver-no-server", "dns pc2 www.lan.test", "listener.wrong-device", "web",
             written("pc2", "/etc/resolv.conf", f"nameserver {WEB}\n")),
    Breakage("dns-stopped", "dns pc1 www.lan.test", "listener.ended", "dns", stopped("dns")),
    Breakage("no-such-name", "http pc1 www.lan.test", "name.nxdomain", "dns",
             record("www.lan.test:", f"www.lan.test:{WEB}")),
    Breakage("wrong-record", "http pc1 www.lan.test", "name.wrong-record", "dns",
             record(f"www.lan.test:{DNS}", f"www.lan.test:{WEB}")),
    Breakage("hosts-file", "http pc2 www.lan.test", "name.hosts", "pc2",
             written("pc2", "/etc/hosts", f"{DNS} www.lan.test\n", append=True)),
    Breakage("misspelt-device", "ping pc1 wbe", "name.no-device", "pc1", lambda net, stack: None),
    Breakage("foreign-name", "dns pc1 www.example.org", "name.refused", "dns", lambda net, stack: None),
    # listeners
    Breakage("web-stopped", "http pc1 www.lan.test", "listener.ended", "web", stopped("web")),
    Breakage("loopback-only", "http pc1 www.lan.test", "listener.address", "web",
             together(stopped("web"), speaker("web", "127.0.0.1", 80))),
    Breakage("wrong-port", "http pc1 www.lan.test:8080", "listener.none", "web", lambda net, stack: None),
    Breakage("https-off", "https pc1 www.lan.test", "listener.https-off", "web",
             setting("web", {"https": "on"}, https="off")),
    # certificates and TLS
    Breakage("other-name", "https pc1 shop.lan.test", "certificate.name", "web",
             record(f"shop.lan.test:{WEB}", "shop.lan.test:")),
    Breakage("expired", "https pc1 www.lan.test", "certificate.expired", "web", shown("expired", trusted=True)),
    Breakage("too-early", "https pc1 www.lan.test", "certificate.not-yet", "web", shown("early", trusted=True)),
    Breakage("no-authority", "https pc1 www.lan.test", "certificate.authority", "web",
             shown("stranger", trusted=False)),
    Breakage("no-tls", "https pc1 www.lan.test", "tls.plain", "web",
             together(setting("web", {"https": "on"}, https="off"), speaker("web", "0.0.0.0", 443))),
    # applications
    Breakage("not-found", "http pc1 www.lan.test/missing", "application.status", "web", lambda net, stack: None),
    Breakage("reset", "http pc1 www.lan.test/reset/it", "application.reset", "web", lambda net, stack: None),
    Breakage("hang", "http pc1 www.lan.test/slow/it", "application.hang", "web", lambda net, stack: None),
    Breakage("cut", "http pc1 www.lan.test/short/it", "application.cut", "web", lambda net, stack: None),
    Breakage("stopped-program", "http pc1 www.lan.test", "application.stopped", "web", suspended("web", "http")),
    Breakage("no-http", "http pc1 www.lan.test:81", "application.no-http", "web", speaker("web", "0.0.0.0", 81)),
)  # fmt: skip
SOUND = (
    "lease pc1",
    "dns pc1 www.lan.test",
    "ping pc1 web",
    "ping pc2 far",
    "http pc1 www.lan.test",
    "https pc1 www.lan.test",
    "http pc2 far.lan.test",
)
"""What works on this LAN while nothing is broken."""
