"""The pure model of an organisation's books: state and rules, without I/O."""

from sandbox.xero.model.books import Books

__all__ = ["Books"]
