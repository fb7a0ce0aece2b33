"""A PC: a host whose programs are whatever its user starts on it."""

from lan.devices.base import Host


class Pc(Host):
    """A PC: takes its address by DHCP or a fixed one, and runs any program of this machine."""

    kind = "pc"
