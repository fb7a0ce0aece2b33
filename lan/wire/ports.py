"""Well-known ports, as a student names them.  IANA's registry."""

BOOTP_SERVER, BOOTP_CLIENT, DNS, TLS, MDNS = 67, 68, 53, 443, 5353
HTTP_PORTS = frozenset({80, 591, 3128, 8000, 8008, 8080, 8888})
TLS_PORTS = frozenset({443, 853, 8443})
OPENFLOW_PORTS = frozenset({6633, 6653})
VXLAN, LLMNR = 4789, 5355

PORT_NAMES = {
    20: "FTP data",
    21: "FTP",
    22: "SSH",
    23: "Telnet",
    25: "SMTP",
    DNS: "DNS",
    BOOTP_SERVER: "DHCP server",
    BOOTP_CLIENT: "DHCP client",
    69: "TFTP",
    80: "HTTP",
    110: "POP3",
    123: "NTP",
    137: "NetBIOS name",
    143: "IMAP",
    161: "SNMP",
    TLS: "HTTPS",
    514: "syslog",
    546: "DHCPv6 client",
    547: "DHCPv6 server",
    853: "DNS over TLS",
    1900: "SSDP",
    3128: "HTTP proxy",
    MDNS: "mDNS",
    VXLAN: "VXLAN",
    LLMNR: "LLMNR",
    6633: "OpenFlow",
    6653: "OpenFlow",
    8080: "HTTP",
    8443: "HTTPS",
}


def port_words(port: int) -> str:
    """``80 (HTTP)``, or the bare number."""
    name = PORT_NAMES.get(port)
    return f"{port} ({name})" if name else str(port)
