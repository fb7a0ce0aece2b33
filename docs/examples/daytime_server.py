"""A daytime server: tells date and time to whoever connects to port 13.  RFC 867."""

import os
import socket
import time

from lan.devices.base import Host, Service
from lan.devices.options import option


class DaytimeServer(Host):
    """Tells the time of day on TCP port 13."""

    kind, icon = "daytime-server", "server"

    greeting: str = option("It is", help="said before the date", example="Good day! It is")

    def services(self) -> list[Service]:
        return [*super().services(), Service("lan.devices.daytime_server", [self.greeting])]


def main(arguments: list[str]) -> int:
    """The program of the device: the engine starts it there, by this module's name."""
    with socket.create_server(("0.0.0.0", 13)) as server:
        os.write(int(os.environ["LAN_READY_FD"]), b"ready daytime tcp 0.0.0.0:13\n")
        while True:
            client, _ = server.accept()
            with client:
                client.sendall(f"{arguments[0]} {time.ctime()}\r\n".encode())
