"""How a client uses connections: one after the other, side by side, kept, pipelined.  The book, 4.3 to 4.7."""
