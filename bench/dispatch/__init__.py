"""Places jobs on machines: one scheduler, and a transport for each kind of machine."""
