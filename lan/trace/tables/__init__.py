"""Tables of devices as they were at an instant: rebuilt from what was recorded.  docs/whynot.md, "Back in time".

`rebuild` knows which there are.  Each file makes one kind of table; each table says what it was made from.
"""
