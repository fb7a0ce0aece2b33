"""Why something does not work: the real chain walked from link to application, to its first broken piece.

`collect` asks the devices and makes the try, `chain` judges: facts in, a finding out.  `probe`, `attempt` and
`switches` run on devices, started by name.  docs/whynot.md
"""
