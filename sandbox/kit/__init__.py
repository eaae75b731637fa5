"""What every simulator needs around its model: requests, replies, a log of them, faults, a server.

Knows no vendor.
"""
