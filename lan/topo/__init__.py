"""What a LAN is: devices, ports, links, and where each was written.  No kernel here."""
