"""What makes a LAN out of the kernel: the bubble, devices, links, processes."""
