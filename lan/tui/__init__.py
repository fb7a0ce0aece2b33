"""The trace on a full screen, for `lan view`: the list of frames, where one went, its layers, its bytes.  Textual.

It decodes nothing and decides nothing: all that it shows it reads from a `lan.trace.timeline.Timeline`.
"""
