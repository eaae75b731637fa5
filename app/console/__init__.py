"""The console: server-rendered pages over the operations and views of `app/sync`.

Owns addresses, words and drawings for people. Decides nothing: what an order's answer is and what
may be done about it is the core's, as for REST and command line, which it stands beside.
"""
