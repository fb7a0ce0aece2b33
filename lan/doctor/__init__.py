"""Can this machine run a LAN?  `probe` looks, `diagnosis` decides, `lan doctor` prints."""
