"""A LAN in your tests: the pytest fixture `lan`, and what it gives.  docs/testing.md

`plugin` is what pytest loads; `net` is a LAN that is up, as a test uses it.
"""
