"""The company without a network: state, rules, query language. No I/O, no clock of its own."""

from sandbox.quickbooks.model.books import QuickBooks as QuickBooks
