"""A simulated QuickBooks Online company: its rules in `model`, its wire in `http`.

`app` puts both behind ASGI; `webhooks` tells listeners of changes.
"""
