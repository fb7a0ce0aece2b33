"""DHCP for IPv4: a server and a client, each a pure core and a thin shell.  RFC 2131, RFC 2132."""
