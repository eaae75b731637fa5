"""A stateful simulator of the ConnectWise PSA REST API.

`model` holds state and rules, with no I/O and no clock of its own; `http` is the wire around it,
still without I/O; `app` is the ASGI server and the callback sender that do the I/O.
"""
