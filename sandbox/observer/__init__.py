"""The outside observer: whether a service kept every rule of order, seen from outside only.

Owns nothing of the service and imports nothing of it. It is given the Commerce events that were
accepted and the log of ConnectWise's simulator, replays the log, and judges every write of the
service by the state just before it and just after it.
"""

from sandbox.observer.judge import Case, Finding, Judge, judge
from sandbox.observer.matrix import ROW_OF
from sandbox.observer.missing import missing

__all__ = ["ROW_OF", "Case", "Finding", "Judge", "judge", "missing"]
