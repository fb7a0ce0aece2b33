"""What the kernels of a LAN's devices said of themselves while it was captured: neighbours, routes, rules, sockets.

`lan.control.kernel_watch` writes it, a JSON object a line, beside the capture; `record.py` reads it.  Pure.
"""
