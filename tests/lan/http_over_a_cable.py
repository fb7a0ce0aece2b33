"""A web server and its client at the two ends of one cable, in network namespaces of their own.

Run as a program inside a fresh namespace (`test_http_close.py` does, by unshare): it puts the
server into a further one, lays the cable, fetches, and prints what passed as one JSON object a
connection: `{"segments": [{"from": "client", "flags": "FIN, ACK", "length": 0, "seq", "ack"}, …]}`.
The last line holds the client's sockets in TIME_WAIT.
"""

import io
import json
import select
import socket
import struct
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from lan.services.http import fetch
from lan.wire.frame import decode

CLIENT, SERVER = "10.7.0.1", "10.7.0.2"

# A TLS client's FIN is waited for behind its close_notify, even if it is not run between the two for a while.
PROGRAM = """
import sys
from lan.services.http import __main__
from lan.services.http.origin import server, settings
made = server.Server
__main__.Server = lambda log: made(log, settings.Limits(alert_s=20.0))
sys.exit(__main__.main(sys.argv[1:]))
"""
ETH_P_ALL = 3
SOL_PACKET, PACKET_STATISTICS = 263, 6  # linux/if_packet.h
TCP_TIME_WAIT = "06"


def main(url: str, times: int, program: str, server_arguments: list[str]) -> None:
    """Fetch `url` so many times by this program ("lan-fetch" in this process) and print the segments."""
    server = subprocess.Popen(
        ["unshare", "--net", "--", sys.executable, "-c", PROGRAM, *server_arguments],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stderr is not None
        while "ready:" not in (line := server.stderr.readline()):
            assert line, "the server ended"
        lay_cable(server.pid)
        tap = open_tap("pc1-eth0")
        frames: list[bytes] = []
        held: set[str] = set()
        for _ in range(times):
            run(program, url)  # then looked at: the tap's room has an end, and so has TIME_WAIT, on a slow machine
            settle()
            frames += read(tap)
            held |= in_time_wait()
        assert not lost(tap), "the tap lost frames"
        print("\n".join(json.dumps(one) for one in connections(frames)))
        print(json.dumps({"client_time_wait": len(held)}))
    finally:
        server.terminate()
        server.wait()


def lay_cable(server_pid: int) -> None:
    """pc1-eth0 here, web-eth0 there; nothing but our own packets on it."""
    ip("link", "add", "pc1-eth0", "type", "veth", "peer", "name", "web-eth0", "netns", str(server_pid))
    for name, address, enter in (
        ("pc1-eth0", CLIENT, []),
        ("web-eth0", SERVER, ["nsenter", f"--net=/proc/{server_pid}/ns/net"]),
    ):
        ip("address", "add", f"{address}/24", "dev", name, enter=enter)
        ip("link", "set", name, "up", enter=enter)
        ip("link", "set", "lo", "up", enter=enter)


def ip(*words: str, enter: list[str] | None = None) -> None:
    subprocess.run([*(enter or []), "ip", *words], check=True)


def open_tap(interface: str) -> socket.socket:
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    tap.bind((interface, ETH_P_ALL))
    return tap


def run(program: str, url: str) -> None:
    if not program.startswith("lan-fetch"):
        subprocess.run([*program.split(), url], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        code = fetch.main([*program.split()[1:], url])
    assert code == 0, said.getvalue()


def settle() -> None:
    """Wait until every connection has left ESTABLISHED and its like: nothing is to come any more."""
    while any(state not in (TCP_TIME_WAIT, "07") for _, state in sockets()):
        select.select([], [], [], 0.01)


def sockets() -> list[tuple[str, str]]:
    """Local end and state of each."""
    rows = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    return [(row.split()[1], row.split()[3]) for row in rows]


def in_time_wait() -> set[str]:
    """The local ends of those in TIME_WAIT, where they stay for a minute."""
    return {local for local, state in sockets() if state == TCP_TIME_WAIT}


def lost(tap: socket.socket) -> int:
    """Frames for which the tap had no room; packet(7), PACKET_STATISTICS."""
    _, drops = struct.unpack("II", tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    return int(drops)


def read(tap: socket.socket) -> list[bytes]:
    frames = []
    tap.setblocking(False)
    try:
        while True:
            frames.append(tap.recv(65536))
    except BlockingIOError:
        return frames


def connections(frames: list[bytes]) -> list[dict[str, object]]:
    """The segments of each connection, by the client's port."""
    by_port: dict[int, list[dict[str, object]]] = {}
    for packet in map(decode, frames):
        if packet.tcp is None or packet.ipv4 is None:
            continue
        is_client = packet.ipv4.src == CLIENT
        segment: dict[str, object] = {
            "from": "client" if is_client else "server",
            "flags": packet.tcp.flags.words(),
            "length": len(packet.payload),
            "seq": packet.tcp.seq,
            "ack": packet.tcp.ack,
        }
        by_port.setdefault(packet.tcp.src_port if is_client else packet.tcp.dst_port, []).append(segment)
    return [{"segments": segments} for segments in by_port.values()]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:])
