"""Reasons about failures of a remote call, of a connection, or of the service."""

from __future__ import annotations

from app.domain.codes import Code, Who
from app.domain.reasons.reason import H, P, Reason, W

REASONS: dict[Code, Reason] = {
    Code.REQUEST_INVALID: Reason(
        H,
        Who.OPERATOR,
        "H10",
        "A request would break the vendor's contract and was not sent.",
        "Correct the value that the sentence names in Commerce.",
    ),
    Code.REMOTE_REJECTED: Reason(
        H,
        Who.OPERATOR,
        "H10",
        "ConnectWise refused the request.",
        "Read ConnectWise's own message in the sentence, correct the record, then replay.",
    ),
    Code.REMOTE_GONE: Reason(
        H,
        Who.OPERATOR,
        "H10",
        "A record that the service made or used is gone in ConnectWise.",
        "Restore the record in ConnectWise, or choose that it is made again: by itself it never is.",
    ),
    Code.REMOTE_EXISTS: Reason(
        H,
        Who.OPERATOR,
        "H9",
        "ConnectWise or the ledger has another record of that name or number. A bill: two receipts may "
        "have come with one invoice of the supplier, and QuickBooks takes its number once.",
        "Rename or remove the other record there. A bill can get a number of its own.",
    ),
    Code.REMOTE_CONFLICT: Reason(
        W,
        Who.NOBODY,
        "H10",
        "The ConnectWise record is in use.",
        "Nothing: it is tried again.",
    ),
    Code.REMOTE_UNWELL: Reason(
        W,
        Who.NOBODY,
        "H10",
        "ConnectWise answered with an error of its own.",
        "Nothing: it is tried again.",
    ),
    Code.OUTCOME_UNKNOWN: Reason(
        W,
        Who.NOBODY,
        "H9",
        "A write was sent and its answer did not come.",
        "Nothing: the record is looked up before anything is sent again.",
    ),
    Code.CONNECTION_UNREACHABLE: Reason(
        W,
        Who.NOBODY,
        "H10",
        "ConnectWise cannot be reached.",
        "Nothing: it is tried again. Check the address if it lasts.",
    ),
    Code.CONNECTION_PAUSED: Reason(
        W,
        Who.NOBODY,
        "H10",
        "The connection is paused.",
        "Nothing, or resume the connection if a person paused it.",
    ),
    Code.CREDENTIALS_REFUSED: Reason(
        W,
        Who.OPERATOR,
        "H10",
        "ConnectWise or the ledger refuses the credentials.",
        "Correct company, keys and client id of ConnectWise; sign in to the ledger again.",
    ),
    Code.PERMISSION_MISSING: Reason(
        H,
        Who.OPERATOR,
        "G1",
        "The API member's role lacks a permission.",
        "Give the role the permission for the endpoint that the sentence names.",
    ),
    Code.RATE_LIMITED: Reason(
        W,
        Who.NOBODY,
        "H10",
        "A system asked for a pause, or the calls that it allows are used up.",
        "Nothing: it goes on by itself. `demandlink connections list` shows what is left.",
    ),
    Code.PEER_SICK: Reason(
        W,
        Who.NOBODY,
        "H10",
        "A system gave no good answer to many calls in a row, so it is left alone.",
        "Nothing: one small read asks it every few seconds, and all goes on when it answers well.",
    ),
    Code.DECIDE_FAILED: Reason(
        P,
        Who.OPERATOR,
        "H10",
        "The service failed while it worked on this order.",
        "Read the journal, then replay the order; report the error.",
    ),
    Code.POISON: Reason(
        P,
        Who.OPERATOR,
        "H10",
        "The order ended its worker several times.",
        "Read the journal, then replay the order; report the error.",
    ),
}
