"""The socket between a face and a LAN that runs: both sides, one message a class."""
