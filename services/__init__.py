"""The services of a LAN: a pure core and a thin shell each.  Each also runs alone, on any machine."""
