"""What each reason code means, which state it makes, who acts and what to do.

Owns the one table of reasons. Docs and the runbook are generated from it, so a code that is not
here cannot be shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.codes import Code, State, Who


@dataclass(frozen=True, slots=True)
class Reason:
    """What a code means. `state` is what it makes of the step; `remedy` says what to do."""

    state: State
    who: Who
    rule: str
    meaning: str
    remedy: str
    # Answer to the same cause again is pointless before something changed: recheck seldom.
    recheck_seconds: int = 900


W, H, P = State.WAITING, State.HELD, State.PARKED

CODES: dict[Code, Reason] = {
    Code.SALES_ORDER_UNKNOWN: Reason(
        W,
        Who.NOBODY,
        "H1",
        "Documents came in for a sales order that has not come in itself.",
        "Nothing, if the sales order's event is under way; else send it again from Commerce.",
    ),
    Code.ORDER_NOT_APPROVED: Reason(
        W,
        Who.SALES,
        "B1",
        "The sales order is still a draft in Commerce.",
        "Approve or cancel the sales order in Commerce.",
    ),
    Code.QUOTE_MISSING: Reason(
        W,
        Who.NOBODY,
        "B1.5",
        "The order names a quote that has not come in.",
        "Nothing: after QUOTE_WAIT the order goes on by its own lines.",
    ),
    Code.SO_MISSING: Reason(
        W,
        Who.NOBODY,
        "B1.7",
        "The ConnectWise sales order does not stand yet.",
        "Where a person makes it: convert the opportunity to a sales order in ConnectWise.",
    ),
    Code.TICKET_PRODUCTS_MISSING: Reason(
        W,
        Who.NOBODY,
        "B2.2",
        "The order's products do not stand on its ticket yet.",
        "Nothing, if the order is under way; else see what holds its ticket or its products.",
    ),
    Code.GOODS_NOT_RECEIVED: Reason(
        W,
        Who.PURCHASING,
        "B1.11",
        "Ordered goods have not been received in Commerce.",
        "Receive the goods on the purchase order in Commerce, or cancel what will not come.",
    ),
    Code.GOODS_NOT_SHIPPED: Reason(
        W,
        Who.PURCHASING,
        "D-14",
        "Only shipped goods are invoiced, and these are not shipped.",
        "Ship the goods on the ConnectWise sales order.",
    ),
    Code.LINE_NOT_ORDERED: Reason(
        W,
        Who.PURCHASING,
        "D-15",
        "A physical line is on no purchase order and not from stock.",
        "Issue a purchase order for it in Commerce, or fulfil it from stock.",
    ),
    Code.SHARED_NOT_READY: Reason(
        W,
        Who.NOBODY,
        "D-13",
        "Another order on the same sales order is not complete.",
        "Nothing: the sales order is released when every order on it is complete.",
    ),
    Code.RECEIPT_GAP: Reason(
        W,
        Who.NOBODY,
        "H2",
        "An earlier receipt of the same line has not come in.",
        "Nothing: after RECEIPT_GAP the missing part is received without papers.",
    ),
    Code.SURPLUS_LAST: Reason(
        W,
        Who.NOBODY,
        "B1.9",
        "Goods above the order wait until the order's own demand is linked.",
        "Nothing: they go on when the order's other purchase orders are linked.",
    ),
    Code.DEMAND_NOT_FREE: Reason(
        W,
        Who.NOBODY,
        "H3",
        "Another purchase order of the order still holds the demand in ConnectWise.",
        "Nothing: it goes on when the other purchase order gives the demand back. If that one was "
        "cancelled in Commerce, decide about it first.",
    ),
    Code.OTHER_QUOTE_OPEN: Reason(
        W,
        Who.NOBODY,
        "B1.4",
        "A quote was declined while another quote of its opportunity is open.",
        "Nothing: the opportunity is marked lost when its last open quote is declined.",
    ),
    Code.CLAIMED_ELSEWHERE: Reason(
        W,
        Who.NOBODY,
        "H1",
        "Another order is making the same shared ConnectWise record.",
        "Nothing: the order goes on when the other one is through.",
    ),
    Code.READ_LAG: Reason(
        W,
        Who.NOBODY,
        "H9",
        "ConnectWise may not show the last write yet.",
        "Nothing: the record is read again after READ_LAG.",
    ),
    Code.EARLIER_STEP: Reason(
        W,
        Who.NOBODY,
        "D-1",
        "An earlier step of this order is not done.",
        "See the earlier step's own reason.",
    ),
    Code.MAPPING_MISSING: Reason(
        H,
        Who.OPERATOR,
        "D-10",
        "A Commerce record has no counterpart in ConnectWise, or several.",
        "Add the mapping that the sentence names, or the record in ConnectWise.",
    ),
    Code.SETTING_MISSING: Reason(
        H,
        Who.OPERATOR,
        "G1",
        "A ConnectWise record that a step needs is not chosen.",
        "Set the setting that the sentence names.",
    ),
    Code.OPTIONS_UNMATCHED: Reason(
        H,
        Who.SALES,
        "B1.5",
        "The chosen options do not fit the opportunity's products.",
        "Correct the products on the opportunity in ConnectWise.",
    ),
    Code.OPPORTUNITY_LOST: Reason(
        H,
        Who.SALES,
        "B1.4",
        "The opportunity is marked lost.",
        "Reopen the opportunity in ConnectWise, or cancel the order in Commerce.",
    ),
    Code.OPPORTUNITY_MISSING: Reason(
        H,
        Who.SALES,
        "D-13",
        "No opportunity is named and OPPORTUNITY_MISSING is hold.",
        "Name the opportunity in Commerce.",
    ),
    Code.OPPORTUNITY_SHARED: Reason(
        H,
        Who.SALES,
        "D-13",
        "The opportunity already carries another Commerce order.",
        "Choose: append to its sales order, or make a separate one.",
    ),
    Code.OPPORTUNITY_OF_OTHER_COMPANY: Reason(
        H,
        Who.SALES,
        "D-10",
        "The opportunity belongs to another company than the order.",
        "Correct the opportunity in Commerce, or the mapping of the customer.",
    ),
    Code.TICKET_OF_OTHER_COMPANY: Reason(
        H,
        Who.SALES,
        "E6",
        "The chosen ticket belongs to another company than the order.",
        "Choose a ticket of the customer, or a new one, on the order's page or by POST "
        "/admin/orders/{number}/ticket.",
    ),
    Code.TICKET_CLOSED: Reason(
        H,
        Who.SALES,
        "B2.4",
        "The ticket is closed, and no products may be put on it or moved from it.",
        "Open it again in ConnectWise and look again, choose another ticket while none of the "
        "order's products stand on it, or go on with the closed ticket.",
    ),
    Code.TICKET_MERGED: Reason(
        H,
        Who.SALES,
        "B2.4",
        "The ticket was merged into another one, and the order's products were left on it.",
        "Move the products to the other ticket in ConnectWise and look again, or go on as it is.",
    ),
    Code.PRODUCTS_ON_BOTH: Reason(
        H,
        Who.ACCOUNTING,
        "A4",
        "The order is invoiced from its ticket, and its opportunity was made a sales order too: "
        "the same goods could be billed twice.",
        "Remove the sales order in ConnectWise, or see that it is never invoiced, then decide.",
    ),
    Code.SALES_ORDER_UNCERTAIN: Reason(
        H,
        Who.SALES,
        "H9",
        "More than one ConnectWise sales order could be this order's.",
        "Remove the wrong one in ConnectWise.",
    ),
    Code.PRODUCTS_NOT_CONVERTED: Reason(
        H,
        Who.SALES,
        "B1.6",
        "The sales order does not carry all products of the order.",
        "Add the missing products to the sales order in ConnectWise.",
    ),
    Code.PURCHASE_ORDER_UNCERTAIN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "A purchase order may or may not have been made.",
        "Look at the purchase orders that the sentence names and choose the right one; or delete "
        "what is wrong and let a new one be made.",
    ),
    Code.PURCHASE_ORDER_MOVED: Reason(
        H,
        Who.PURCHASING,
        "H3",
        "A received purchase order changed its sales order.",
        "Name the right sales order in Commerce again, or choose what becomes of the receipt.",
    ),
    Code.PURCHASE_ORDER_CANCELLED: Reason(
        H,
        Who.PURCHASING,
        "H3",
        "A purchase order was cancelled after it reached ConnectWise.",
        "Choose: the service cancels what is not received there, or a person does it.",
    ),
    Code.PO_NUMBER_TAKEN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "Another purchase order in ConnectWise carries the number already.",
        "Give the other purchase order another number, or choose to keep ConnectWise's own number.",
    ),
    Code.PO_AFTER_INVOICE: Reason(
        H,
        Who.ACCOUNTING,
        "D-6",
        "A purchase order came after the goods were invoiced.",
        "Decide whether the invoice is removed, or the purchase order stays unlinked.",
    ),
    Code.DEMAND_NOT_LINKED: Reason(
        H,
        Who.PURCHASING,
        "B1.2",
        "A purchase order line is not linked to the order's demand.",
        "Check that ConnectWise creates purchasing demand from sales orders, then look again; or "
        "go on without the link.",
    ),
    Code.DEMAND_OPEN: Reason(
        H,
        Who.PURCHASING,
        "A10",
        "ConnectWise still asks its purchasers for goods that Commerce buys, or, as a flag that holds "
        "nothing, for goods that come from stock.",
        "Take the products out of purchasing in ConnectWise, then look again; or leave the demand, "
        "and see that nobody orders from it. What comes from stock is picked there.",
    ),
    Code.DEMAND_TAKEN: Reason(
        H,
        Who.PURCHASING,
        "B1.9",
        "ConnectWise linked a plain line of the service to purchasing demand that is not the "
        "order's.",
        "Decide for whom the goods are: the line stays linked to what the sentence names, or "
        "gives the demand back.",
    ),
    Code.DEMAND_NOT_APPROVED: Reason(
        H,
        Who.PURCHASING,
        "B1.9",
        "ConnectWise wants the demand approved before it is purchased.",
        "Approve the products for purchase on the ConnectWise sales order.",
        recheck_seconds=300,
    ),
    Code.INVOICED_TOO_EARLY: Reason(
        H,
        Who.ACCOUNTING,
        "D-7",
        "Goods were invoiced before their purchase order was received.",
        "Remove the invoice in ConnectWise, or accept the line unlinked.",
    ),
    Code.INVOICE_INCOMPLETE: Reason(
        H,
        Who.ACCOUNTING,
        "D-5",
        "An invoice that the service made does not carry what it should.",
        "Add the products that the sentence names to the invoice in ConnectWise.",
    ),
    Code.SALES_ORDER_CLOSED: Reason(
        H,
        Who.ACCOUNTING,
        "D-5",
        "A person closed the sales order before it was released for invoicing.",
        "Reopen the sales order in ConnectWise, or decide that it is released or stays closed.",
    ),
    Code.RECEIPT_REDUCED: Reason(
        H,
        Who.PURCHASING,
        "H2",
        "Commerce lowered a quantity that is received in ConnectWise.",
        "Correct the receipt in ConnectWise.",
    ),
    Code.RECEIPT_ABOVE_ORDER: Reason(
        H,
        Who.PURCHASING,
        "H2",
        "More was received than the purchase order line ordered.",
        "Raise the ordered quantity in Commerce, or correct the receipt.",
    ),
    Code.LINE_MISSING: Reason(
        H,
        Who.PURCHASING,
        "H2",
        "Goods came for which the purchase order in ConnectWise has no open line.",
        "Find out why: the rest of a line may be cancelled (PARTIAL_RECEIPT), or a person closed it. "
        "Choose whether the goods get another line.",
    ),
    Code.RECEIPT_UNCERTAIN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "ConnectWise shows another received quantity than expected.",
        "Compare the purchase order's lines in ConnectWise with the receipts.",
    ),
    Code.SERIALS_INCOMPLETE: Reason(
        H,
        Who.PURCHASING,
        "H7",
        "The serial numbers do not match the received quantity.",
        "Complete the serial numbers of the receipt in Commerce.",
    ),
    Code.SHIPPING_UNCERTAIN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "ConnectWise shows another shipped quantity than expected.",
        "Compare the shipping details of the product in ConnectWise.",
    ),
    Code.TOTAL_MISMATCH: Reason(
        H,
        Who.ACCOUNTING,
        "D-12",
        "Lines and header amounts do not add up to the stated total, or the ledger's to ours.",
        "Correct the order in Commerce, the connection's tax basis, or the tax set in the ledger.",
    ),
    Code.CHANGED_AFTER_FREEZE: Reason(
        H,
        Who.SALES,
        "D-11",
        "The order changed after a receipt or an invoice froze it.",
        "Make the change by hand in ConnectWise or the ledger, or take it back in Commerce.",
    ),
    Code.CANCELLED_AFTER_START: Reason(
        H,
        Who.SALES,
        "H3",
        "The order was cancelled after records were made in ConnectWise.",
        "Cancel the records that the order's page lists in ConnectWise.",
    ),
    Code.SALES_INVOICE_MISSING: Reason(
        W,
        Who.ACCOUNTING,
        "C3",
        "Commerce has issued no sales invoice for the order.",
        "Issue the invoice in Commerce, or skip it where it is written in the ledger by hand.",
    ),
    Code.INVOICE_NOT_APPROVED: Reason(
        H,
        Who.ACCOUNTING,
        "D-9",
        "The ledger has no drafts, so the service keeps this one.",
        "Approve it, which posts it; or skip it where it is written in the ledger by hand.",
    ),
    Code.BILL_ABOVE_RECEIPT: Reason(
        H,
        Who.ACCOUNTING,
        "H2",
        "More is billed in the ledger than Commerce says was received.",
        "Correct the receipt in Commerce, or correct the bill in the ledger and leave it so.",
    ),
    Code.BILL_NOT_LINKED: Reason(
        H,
        Who.ACCOUNTING,
        "C6",
        "The bill stands in the ledger without its link to the purchase order there.",
        "Link it in the ledger and look again, or leave it so.",
    ),
    Code.BILL_TAKEN_OVER: Reason(
        H,
        Who.ACCOUNTING,
        "C6",
        "More came for a bill that a person has changed or removed in the ledger.",
        "See whether the person's change holds it already; let it be billed, or say that it is.",
    ),
    Code.BOOKS_CLOSED: Reason(
        H,
        Who.ACCOUNTING,
        "G3",
        "The ledger takes nothing with this date: its books are closed, or the document is.",
        "Open the period in the ledger; or skip it and enter the document by hand.",
    ),
    Code.CURRENCY_NOT_KEPT: Reason(
        H,
        Who.ACCOUNTING,
        "D-12",
        "The ledger, the contact in it, or the company in ConnectWise keeps another currency than the "
        "document has: its amounts would be taken for the other one's.",
        "Add the currency to the ledger, map a contact or company that has it, correct the currency in "
        "Commerce or COMMERCE_CURRENCY, or enter the document by hand.",
    ),
    Code.MAIL_REFUSED: Reason(
        H,
        Who.OPERATOR,
        "D4",
        "The mail server refuses the address to which purchasing suggestions are mailed.",
        "Correct PURCHASING_OFFICER_EMAIL and choose look_again; or choose skip: the note on the "
        "ticket stands.",
    ),
    Code.NEEDS_AGREEMENT: Reason(
        State.DONE,
        Who.SALES,
        "H5",
        "A recurring line is billed by an agreement.",
        "Add the recurring line to the customer's agreement in ConnectWise.",
    ),
    Code.SYNC_LINE_OPEN: Reason(
        State.DONE,
        Who.PURCHASING,
        "G5",
        "A received purchase order line is not closed, and only closed ones are posted.",
        "Receive the rest of the line in ConnectWise, or split it off: a fully received "
        "line closes.",
    ),
    Code.SYNC_PACKING_SLIP_MISSING: Reason(
        State.DONE,
        Who.PURCHASING,
        "G5",
        "A received purchase order line has no packing slip, by which receipts are posted.",
        "Enter the packing slip on the line in ConnectWise.",
    ),
    Code.SYNC_SUPPLIER_INVOICE_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "A received purchase order lacks the number or the date of the supplier's invoice.",
        "Enter Vendor Invoice number and date on the purchase order in ConnectWise.",
    ),
    Code.SYNC_TAX_CODE_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "An invoice, or the customer before there is one, has no tax code.",
        "Choose a tax code on the invoice, or on the company's Finance view.",
    ),
    Code.SYNC_CONTACT_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "A company has neither a billing nor a primary contact.",
        "Choose a billing contact on the company's Finance view in ConnectWise.",
    ),
    Code.SYNC_GL_MAPPING_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "An entry of an invoice has no item: its GL mapping is empty or has no Non-Product ID.",
        "Complete the GL mapping in ConnectWise, with its Non-Product ID.",
    ),
    Code.SYNC_NUMBER_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "An invoice or purchase order has no number to be found by in the ledger.",
        "Give the record a number in ConnectWise.",
    ),
    Code.SYNC_NUMBER_LONG: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A number is longer than the 8 characters that MYOB keeps, and is cut.",
        "Use numbers of at most 8 characters, as PO_NUMBERING = connectwise may; look in "
        "MYOB for a number that the cut one meets.",
    ),
    Code.SYNC_ACCOUNT_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A company has no Account, which becomes its card id in MYOB.",
        "Enter the Account on the company's Finance view in ConnectWise.",
    ),
    Code.SYNC_ACCOUNT_LONG: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A card id is longer than the 15 characters that MYOB takes.",
        "Shorten the Account on the company's Finance view, or the supplier prefix.",
    ),
    Code.SYNC_ACCOUNT_SHARED: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "Several companies have the same Account, and would share a card in MYOB.",
        "Give each company an Account of its own.",
    ),
    Code.SYNC_PREFIX_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A supplier and the customer would have the same card id in MYOB.",
        "Set the supplier card id prefix in Innovent's tool, and "
        "INVOICE_SYNC_SUPPLIER_PREFIX to the same.",
    ),
    Code.SYNC_ITEM_LONG: Reason(
        State.DONE,
        Who.PURCHASING,
        "G7",
        "A product id is longer than the 30 characters that the ledger's item list takes.",
        "Let the tool shorten it where it can, or give the catalog item a shorter identifier.",
    ),
    Code.SYNC_REMADE: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G6",
        "An invoice would be removed and made anew, which breaks its pairing in the ledger.",
        "Change the invoice instead. Where it has to be removed, void it in the ledger first.",
    ),
    Code.DRIFT_MISSING: Reason(
        State.DONE,
        Who.OPERATOR,
        "H12",
        "The drift sweep found that a record which the service made or used is gone, or that a document "
        "of Commerce never came in.",
        "Fix the finding: the record is made anew by the same step, or the document is taken in as if "
        "it was polled. Or adopt that it is so.",
    ),
    Code.DRIFT_UNLINKED: Reason(
        State.DONE,
        Who.PURCHASING,
        "H12",
        "The drift sweep found a purchase order line that lost its link to the order's demand.",
        "Fix the finding: the link is asked for again, and where it does not come back the order is "
        "held as DEMAND_NOT_LINKED with its choices.",
    ),
    Code.DRIFT_DIFFERENT: Reason(
        State.DONE,
        Who.OPERATOR,
        "H12",
        "The drift sweep found another quantity, amount or number than the service left there, or that "
        "Commerce has another state of a document than what came in.",
        "Fix the finding where that is offered, correct the record by hand, or adopt what stands.",
    ),
    Code.DRIFT_INVOICED: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "H12",
        "The drift sweep found lines on an invoice whose goods are still to come.",
        "Fix the finding: the order reads its invoices and is held as INVOICED_TOO_EARLY with its "
        "choices.",
    ),
    Code.DRIFT_FOREIGN: Reason(
        State.DONE,
        Who.PURCHASING,
        "H12",
        "The drift sweep found that somebody else bought for the order's demand, or added to what "
        "the service made.",
        "Cancel it in ConnectWise if it is a mistake; else adopt it.",
    ),
    Code.DUPLICATE_REMOTE: Reason(
        State.DONE,
        Who.OPERATOR,
        "H12",
        "The drift sweep found a record twice: both carry the mark of the service. A worker that was "
        "frozen past its lease may have sent a write late.",
        "Remove the second one, which the finding names: the finding then closes itself. The service "
        "goes on with the first. Adopt it if both are right.",
    ),
    Code.SYNC_NOT_READ: Reason(
        State.DONE,
        Who.OPERATOR,
        "G5",
        "Part of the check could not be read.",
        "Give the API member the permission that is named, then check again: demandlink "
        "orders readiness.",
    ),
    Code.HELD_BY_PERSON: Reason(
        H,
        Who.OPERATOR,
        "H11",
        "A person holds this order.",
        "Release it.",
    ),
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
    Code.RELEASED: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "A8",
        "The sales order, or the ledger's draft, may be invoiced.",
        "Invoice the sales order or ticket in ConnectWise; where we invoice, approve the draft in the "
        "ledger.",
    ),
    Code.INVOICED: Reason(
        State.DONE,
        Who.NOBODY,
        "D-5",
        "All of the order is invoiced; the sentence names the invoice.",
        "Nothing.",
    ),
    Code.CANCELLED: Reason(
        State.CANCELLED,
        Who.NOBODY,
        "H3",
        "The order is cancelled.",
        "Nothing.",
    ),
    Code.STOCK_RECEIVED: Reason(
        State.DONE,
        Who.NOBODY,
        "H4",
        "A stock purchase order is received in full and closed.",
        "Nothing.",
    ),
    Code.STOCK_IGNORED: Reason(
        State.DONE,
        Who.NOBODY,
        "H4",
        "A purchase order names no sales order, and STOCK_PURCHASE_ORDERS is ignore.",
        "Nothing; ConnectWise does not get it. Set STOCK_PURCHASE_ORDERS for later ones.",
    ),
    Code.OPPORTUNITY_MARKED_LOST: Reason(
        State.DONE,
        Who.NOBODY,
        "B1.4",
        "The opportunity was marked lost, because its last open quote was declined.",
        "Nothing; an order that is placed on one of its quotes later reopens it by itself.",
    ),
    Code.QUOTE_IGNORED: Reason(
        State.DONE,
        Who.NOBODY,
        "B1.4",
        "A declined quote changes nothing in ConnectWise; the sentence says why.",
        "Nothing.",
    ),
    Code.SIGNATURE_REFUSED: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's signature does not fit the body.",
        "Compare the sender's secret with COMMERCE_WEBHOOK_SECRETS.",
    ),
    Code.TIMESTAMP_OUTSIDE_WINDOW: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's timestamp is more than 5 minutes off.",
        "Set the sender's clock; deliver again.",
    ),
    Code.ID_REUSED: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's id was used before with another body.",
        "Deliver again with a new id.",
    ),
    Code.BODY_NOT_JSON: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's body is not JSON.",
        "Deliver again, corrected.",
    ),
    Code.BODY_NOT_VALID: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's body is not as the contract says.",
        "Deliver again, corrected as the cause says.",
    ),
    Code.DATE_AHEAD: Reason(
        H,
        Who.OPERATOR,
        "H1",
        "A document is dated more than 24 hours ahead.",
        "Set the sender's clock; the delivery is merged when its date has come.",
    ),
    Code.TYPE_UNHANDLED: Reason(
        H,
        Who.NOBODY,
        "H13",
        "The delivery's type is not one that the service knows.",
        "Nothing.",
    ),
}
