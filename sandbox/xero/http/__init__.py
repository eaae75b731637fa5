"""The wire of the simulated API: routes, tokens, limits, replay of keys. Still without I/O."""
