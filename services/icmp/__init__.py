"""ICMP echo: ping one host in the field's words, or many at once.  RFC 792."""
