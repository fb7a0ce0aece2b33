"""Why a transaction took as long as it did: each nanosecond of it has one cause, with its evidence.

`attribution.attribute` is the door; `cause` has the words, `segments` a connection's segments with their
positions, `paths` what the way itself costs, `waiting` the rules of one sender's silence.  docs/stalls.md
"""
