"""HTTP/1 itself: what bytes mean, where a message ends, and what becomes of the connection.  RFC 9110, 9112."""
