"""Broken on purpose: ends python."""

import sys

sys.exit('run me as root')
