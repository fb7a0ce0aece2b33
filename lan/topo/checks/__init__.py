"""The rules a LAN is held to, one subject a file.  Each takes the LAN and gives problems."""
