"""Conversations as tests ask for them, a protocol a file: how to choose among them, and what each tells.

Everything is read from the trackers of lan/trace; a value that is still to come is waited for, by packets.
"""
