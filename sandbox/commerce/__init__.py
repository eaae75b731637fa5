"""A simulated Datto Commerce (Kaseya Quote Manager): its read-only API, and webhooks for changes.

Knows nothing of the service; the webhooks are those that the service defines for whoever can post.
"""
