"""The command line: one verb a file in `verbs/`, one screen, one way to end."""
