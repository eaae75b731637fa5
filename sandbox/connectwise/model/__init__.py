"""The pure model of a company's ConnectWise: state, rules and queries, without I/O."""

from sandbox.connectwise.model.psa import ConnectWise

__all__ = ["ConnectWise"]
