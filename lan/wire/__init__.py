"""Bytes ↔ fields, once for the whole house: a lenient reading to look at, a strict one to act on.

`frame.decode` reads any frame, however broken, and says what is wrong with it in `problems`.  The
strict readings (`dhcp.parse`, every `build`) take only what makes sense and raise `Malformed`.
"""
