"""What should happen on a LAN, and whether it did: verdicts from captured packets alone."""
