"""The switch: a pure learning core, and the shells that let Open vSwitch or the kernel's bridge obey it."""
