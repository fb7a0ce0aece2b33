"""Numbered datagrams, for the tests of links:  send ADDRESS COUNT GAP_MS | take COUNT | echo | rtt ADDRESS

`take` listens, says so, and prints the numbers in the order they came, once all COUNT or the last has
come, or nothing comes any more.
"""

import json
import socket
import sys
import time

PORT, SILENCE_S = 9999, 5.0


def send(address: str, count: int, gap_ms: float) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        began_s = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began_s + number * gap_ms / 1000 - time.monotonic()))
            sock.sendto(number.to_bytes(4, "big") + bytes(96), (address, PORT))


def take(count: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind(("", PORT))
        print("listening", flush=True)
        numbers = list[int]()
        sock.settimeout(60)  # for the first
        try:
            while len(numbers) < count:
                numbers.append(int.from_bytes(sock.recv(2000)[:4], "big"))
                sock.settimeout(SILENCE_S)
        except TimeoutError:
            pass
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
        take(int(words[0]))
    elif verb == "echo":
        echo()
    else:
        rtt(words[0])
