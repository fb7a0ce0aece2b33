"""HTTP/1.0 and 1.1: one connection engine, and on it an origin server and a client.  RFC 9110, RFC 9112."""
