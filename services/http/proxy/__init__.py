"""HTTP proxies: dumb, smart and caching, chosen by the client, in front of a server, or on the path.  RFC 9110 §3.7."""
