"""The wire of the simulated company: paths, sign-in, faults, log; still without I/O."""
