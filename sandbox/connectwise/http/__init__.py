"""The wire of the simulated API: routes, paging, credentials, faults. Still without I/O."""
