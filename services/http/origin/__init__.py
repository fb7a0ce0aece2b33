"""The origin server: what is served, how, and the loop that does it."""
