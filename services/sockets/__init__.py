"""The bare TCP server and client of the book's figure 4-6: blocking, each call an event."""
