"""A simulated Xero organisation: OAuth2, connections, the accounting API and its webhooks.

`model` is state and rules, `http` the wire; both are without I/O. `app` brings clock and network.
"""
