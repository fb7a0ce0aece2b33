"""Cables that are long, narrow and lossy: what a cable's options mean, and the process that carries its frames.

`options` says what a cable does, `words` reads and writes that as people do, `schedule` when it
changes: the rest of lan imports these three alone.  Whatever carries frames is started by module
name (``python -m lan.links``).
"""
