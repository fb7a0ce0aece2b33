"""Numbered datagrams, for the tests of links:  send ADDRESS COUNT GAP_MS | take | echo | rtt ADDRESS

`take` listens, says so, and prints the numbers in the order they came, once there are as many as a line of its
input says, or nothing has come for a long while.
"""

import contextlib
import json
import select
import socket
import sys
import time

PORT, PATIENCE_S = 9999, 60.0
SO_RCVBUFFORCE = 33


def send(address: str, count: int, gap_ms: float) -> None:
    """One each `gap_ms`, or later: who was not run for a while does not make up for it by a flood."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(count):
            sock.sendto(number.to_bytes(4, "big") + bytes(96), (address, PORT))
            time.sleep(gap_ms / 1000)


def take() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for option in (socket.SO_RCVBUF, SO_RCVBUFFORCE):  # root may have more than the machine gives everybody
            with contextlib.suppress(PermissionError):
                sock.setsockopt(socket.SOL_SOCKET, option, 1 << 22)
        sock.bind(("", PORT))
        print("listening", flush=True)
        numbers, count = list[int](), None
        while count is None or len(numbers) < count:
            ready, _, _ = select.select([sock, *([sys.stdin] if count is None else [])], [], [], PATIENCE_S)
            if not ready:
                break
            if sys.stdin in ready:
                count = int(sys.stdin.readline())
            if sock in ready:
                numbers.append(int.from_bytes(sock.recv(2000)[:4], "big"))
        print(json.dumps(numbers))


def echo() -> None:
    """UDP and TCP at one port, until the caller ends us."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, socket.create_server(("", PORT)):
        sock.bind(("", PORT))
        print("listening", flush=True)
        while True:
            data, sender = sock.recvfrom(2000)
            sock.sendto(data, sender)


def rtt(address: str) -> None:
    """Milliseconds for a datagram there and back, and for a TCP handshake as the client sees it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(60)
        began_s = time.monotonic()
        sock.sendto(b"there", (address, PORT))
        sock.recv(100)
        udp_ms = (time.monotonic() - began_s) * 1000
    began_s = time.monotonic()
    socket.create_connection((address, PORT), 60).close()
    print(json.dumps({"udp": udp_ms, "tcp": (time.monotonic() - began_s) * 1000}))


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "send":
        send(words[0], int(words[1]), float(words[2]))
    elif verb == "take":
        take()
    elif verb == "echo":
        echo()
    else:
        rtt(words[0])
