"""DNS: an authoritative server for the zones of one file, and a look-up client."""
