"""An HTTP cache: what may be stored, for how long it is fresh, and what answers a request.  RFC 9111."""
