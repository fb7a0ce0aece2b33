"""The verbs of `lan`, one a file.

A verb's docstring is its help; `arguments(parser)` declares its words, `run(options, screen)` does
it and returns the exit code.  `GROUP` is where `lan --help` lists it.
"""
