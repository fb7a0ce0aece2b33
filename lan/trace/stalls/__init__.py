"""Why a transaction took as long as it did: each nanosecond of it has one cause, with its evidence.

`attribution` is the door; `cause` has the words, `segments` a connection's segments with their positions, `paths` what
the way itself costs, `waiting` the rules of one sender's silence, `reading` a connection from gap to gap, `lookups`
what came before it, `knowledge` what is looked up by all of them.  docs/stalls.md
"""
