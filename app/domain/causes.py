"""Why each reason code comes about: what usually happened before, the likeliest first.

Owns the causes of the runbook; what a code means and what to do about it stands in `reasons`. A code that
only tells of an end that is as it should be has no cause.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.domain.codes import Code

# Ends that nobody has to do anything about.
AS_IT_SHOULD_BE = frozenset(
    {
        Code.RELEASED,
        Code.INVOICED,
        Code.CANCELLED,
        Code.STOCK_RECEIVED,
        Code.STOCK_IGNORED,
        Code.OPPORTUNITY_MARKED_LOST,
        Code.QUOTE_IGNORED,
    }
)
CAUSES: Mapping[Code, str] = {
    # What an order waits for
    Code.SALES_ORDER_UNKNOWN: "A purchase order or receipt overtook the sales order's own event, that event was "
    "refused, or what posts events sends no sales orders.",
    Code.ORDER_NOT_APPROVED: "Commerce sent the sales order before somebody approved it there.",
    Code.QUOTE_MISSING: "The quote's event is late or was refused, or nothing sends quotes and Commerce is not "
    "polled.",
    Code.SO_MISSING: "SALES_ORDER_CREATION is wait_for_person and nobody has converted the opportunity yet; or the "
    "service makes it and an earlier step is held.",
    Code.TICKET_PRODUCTS_MISSING: "Goods came before the order's products were put on the ticket: raise_ticket or "
    "create_products is under way, or held.",
    Code.GOODS_NOT_RECEIVED: "The supplier has not delivered yet, or the goods are there and nobody received them in "
    "Commerce, or not all of them.",
    Code.GOODS_NOT_SHIPPED: "INVOICE_POLICY is shipped_only, and the goods are not shipped on the sales order: "
    "MARK_SHIPPED leaves that to people for what is no drop shipment.",
    Code.LINE_NOT_ORDERED: "Nobody issued a purchase order for the line, it was issued for another sales order, or the "
    "line was taken off it again.",
    Code.SHARED_NOT_READY: "A person had several orders put on one sales order of ConnectWise, and a sales order is "
    "released as a whole.",
    Code.RECEIPT_GAP: "Receipts overtook each other, or the event of one was lost or refused.",
    Code.SURPLUS_LAST: "The purchase order has more than the order needs. ConnectWise could link the surplus to demand "
    "that the order's own goods need.",
    Code.DEMAND_NOT_FREE: "The supplier was changed: the new purchase order needs the demand that the old one is still "
    "linked to.",
    Code.OTHER_QUOTE_OPEN: "The customer was given several quotes of one opportunity and has declined only some.",
    Code.CLAIMED_ELSEWHERE: "Two orders need the same new catalog item, vendor or contact at the same moment; one "
    "makes it for both.",
    Code.READ_LAG: "ConnectWise shows a new record in lists only some seconds after it was made.",
    Code.EARLIER_STEP: "Steps go in the order that ConnectWise accepts, and one before this is waiting or held.",
    # What a person decides or corrects
    Code.MAPPING_MISSING: "The customer, supplier, contact or owner has another identifier, account number or e-mail "
    "in ConnectWise than in Commerce, is not there, or is there twice. Names are never compared.",
    Code.SETTING_MISSING: "The setting is empty and no record is marked as the default, or the record that it names "
    "was renamed or made inactive in ConnectWise.",
    Code.OPTIONS_UNMATCHED: "Products were added to the opportunity or renamed there by hand, or several of them "
    "fit one line of the quote.",
    Code.OPPORTUNITY_LOST: "Somebody marked it lost in ConnectWise, and the customer accepted after all.",
    Code.OPPORTUNITY_MISSING: "The order was placed without a quote of an opportunity, as in the online store, and "
    "OPPORTUNITY_MISSING is hold.",
    Code.OPPORTUNITY_SHARED: "Two orders were placed on quotes of one opportunity, or the customer ordered again from an "
    "old quote.",
    Code.OPPORTUNITY_OF_OTHER_COMPANY: "The quote was made under another customer's opportunity, or the customer is "
    "mapped to the wrong company, such as to the parent of a branch.",
    Code.TICKET_OF_OTHER_COMPANY: "The wrong ticket was chosen at checkout, the ticket was moved to another company "
    "since, or the customer is mapped to the wrong one.",
    Code.TICKET_CLOSED: "Somebody closed the ticket between the order and its products, or by a status that closes.",
    Code.TICKET_MERGED: "Somebody merged tickets in ConnectWise, which leaves the products where they were.",
    Code.PRODUCTS_ON_BOTH: "Somebody converted the opportunity to a sales order although INVOICE_FROM is ticket.",
    Code.SALES_ORDER_UNCERTAIN: "Somebody converted the opportunity a second time, or copied the sales order; both carry "
    "the order's products.",
    Code.PRODUCTS_NOT_CONVERTED: "Who converted the opportunity left products out or removed them from the sales order "
    "afterwards.",
    Code.PURCHASE_ORDER_UNCERTAIN: "The answer to a write was lost, or ConnectWise made a purchase order of its own from "
    "demand that was posted, and what stands there fits more than one explanation.",
    Code.PURCHASE_ORDER_MOVED: "Somebody gave the purchase order another sales order in Commerce after goods were "
    "received on it.",
    Code.PURCHASE_ORDER_CANCELLED: "The supplier could not deliver, or the purchase order was replaced by one to another "
    "supplier.",
    Code.PO_NUMBER_TAKEN: "Somebody made a purchase order with Commerce's number by hand, or ConnectWise's own sequence "
    "has reached it.",
    Code.PO_AFTER_INVOICE: "Goods were invoiced from the sales order before anybody ordered them; ConnectWise links "
    "nothing to what is invoiced.",
    Code.DEMAND_NOT_LINKED: "ConnectWise is not set up to raise purchasing demand from sales orders or tickets; a "
    "purchaser used the demand for another purchase order; or the line of the rest lost its link when a part was "
    "received.",
    Code.DEMAND_OPEN: "The product class or the type of the catalog item makes ConnectWise ask for a purchase although "
    "the service cleared the product's flag; or goods from stock are not picked yet.",
    Code.DEMAND_TAKEN: "ConnectWise links plain lines to open demand of the same item by itself, and another order "
    "waited for that item.",
    Code.DEMAND_NOT_APPROVED: "ConnectWise's procurement asks for approval of products before they are bought, and nobody "
    "approved these.",
    Code.INVOICED_TOO_EARLY: "Somebody invoiced the sales order in ConnectWise without waiting for its release.",
    Code.INVOICE_INCOMPLETE: "ConnectWise left out what its own settings do not bill (not picked, not shipped, not "
    "billable), or a person changed the invoice at the same moment.",
    Code.SALES_ORDER_CLOSED: "Somebody set the sales order to a status that closes it, or a workflow of ConnectWise did.",
    Code.RECEIPT_REDUCED: "Goods were sent back, or the receipt was a mistake and was corrected in Commerce. The service "
    "takes nothing back that ConnectWise has received.",
    Code.RECEIPT_ABOVE_ORDER: "The supplier sent more than was ordered, or somebody typed the wrong quantity.",
    Code.LINE_MISSING: "PARTIAL_RECEIPT is cancel_rest and the rest came after all, or somebody closed or deleted the "
    "line in ConnectWise.",
    Code.RECEIPT_UNCERTAIN: "Somebody received on the purchase order in ConnectWise as well, or split its lines there.",
    Code.SERIALS_INCOMPLETE: "Not all numbers were scanned when the goods were received, one was scanned twice, or they "
    "come later.",
    Code.SHIPPING_UNCERTAIN: "Somebody shipped or unshipped the product in ConnectWise, or ConnectWise picked other "
    "goods than those that were received.",
    Code.TOTAL_MISMATCH: "COMMERCE_TAX_BASIS is not how Commerce states tax, the difference is above ROUNDING_LIMIT, or "
    "the ledger computes tax by itself with another rate.",
    Code.CHANGED_AFTER_FREEZE: "Somebody changed lines, quantities or prices in Commerce after goods were received or "
    "invoiced.",
    Code.CANCELLED_AFTER_START: "Somebody cancelled the sales order in Commerce after it had reached ConnectWise.",
    Code.SALES_INVOICE_MISSING: "Nobody issued the invoice in Commerce, or nothing sends sales invoices: polling does "
    "not bring them.",
    Code.INVOICE_NOT_APPROVED: "INVOICE_STATUS is draft, and QuickBooks Online has no drafts: what is posted counts at "
    "once.",
    Code.BILL_ABOVE_RECEIPT: "A receipt was lowered in Commerce after it was billed, or a person raised the bill in the "
    "ledger.",
    Code.BILL_NOT_LINKED: "The purchase order in the ledger was closed or changed by a person, or the ledger's plan has "
    "no purchase orders.",
    Code.BILL_TAKEN_OVER: "BILL_PER is purchase_order, so that one bill grows, and a person edited, paid or deleted it "
    "meanwhile.",
    Code.BOOKS_CLOSED: "The document's date lies on or before the ledger's lock date, or a person paid, voided or locked "
    "the document.",
    Code.CURRENCY_NOT_KEPT: "The ledger is not set up for several currencies, the contact has one of its own, or "
    "COMMERCE_CURRENCY is not what Commerce states.",
    Code.MAIL_REFUSED: "The address is misspelt or was given up, or the mail server sends nothing to it from this sender.",
    # Not postable
    Code.NEEDS_AGREEMENT: "The order sells something that is billed every month or year, and the service makes no "
    "agreements.",
    Code.SYNC_LINE_OPEN: "Only a part of the line came and the rest stands on the same line, or ConnectWise does not "
    "close lines by itself (auto-close of purchase order items is off).",
    Code.SYNC_PACKING_SLIP_MISSING: "The receipt came by polling, which brings no papers, or nobody entered the slip in "
    "Commerce.",
    Code.SYNC_SUPPLIER_INVOICE_MISSING: "The receipt came by polling, which brings no papers, or the supplier's invoice "
    "comes later than the goods.",
    Code.SYNC_TAX_CODE_MISSING: "The company was made without a tax code, or the invoice's was cleared.",
    Code.SYNC_CONTACT_MISSING: "The company was made by an import or by hand without a contact, or its contact was made "
    "inactive.",
    Code.SYNC_GL_MAPPING_MISSING: "A new product class, work type or location was set up, and its GL mapping was not.",
    Code.SYNC_NUMBER_MISSING: "The number was cleared by hand, or ConnectWise's numbering is off for this type.",
    Code.SYNC_NUMBER_LONG: "PO_NUMBERING is commerce, whose numbers have ten characters, or ConnectWise's prefix and "
    "number together have more than eight.",
    Code.SYNC_ACCOUNT_MISSING: "The company was made without an account number.",
    Code.SYNC_ACCOUNT_LONG: "The account number was chosen without MYOB in mind, or the prefix of suppliers is long.",
    Code.SYNC_ACCOUNT_SHARED: "Branches were made by copying a company, or a customer that is also a supplier stands "
    "there twice.",
    Code.SYNC_PREFIX_MISSING: "A company is customer and supplier, and suppliers get no prefix that tells the two apart.",
    Code.SYNC_ITEM_LONG: "The manufacturer's part number is longer than the ledger takes.",
    Code.SYNC_REMADE: "Somebody is about to delete an invoice that the tool has paired already, to make it anew.",
    # What the drift sweep found
    Code.DRIFT_MISSING: "Somebody deleted the record, or the event of the document was never sent or was lost before it "
    "reached the service.",
    Code.DRIFT_UNLINKED: "Somebody removed the product or its link in ConnectWise, or received the line in another way.",
    Code.DRIFT_DIFFERENT: "Somebody edited the record by hand, or an event that tells of a change never came.",
    Code.DRIFT_INVOICED: "Somebody invoiced the sales order or ticket in ConnectWise before the goods came.",
    Code.DRIFT_FOREIGN: "A purchaser ordered from the same demand in ConnectWise, or added lines or products by hand.",
    Code.DUPLICATE_REMOTE: "A worker stood still longer than its lease in the middle of a write (a suspended machine, a "
    "full disk), and its write arrived after another worker's.",
    # Failures
    Code.SYNC_NOT_READ: "The security role of the API member lacks a permission that only this check needs.",
    Code.HELD_BY_PERSON: "Somebody held it; the journal says who, and why.",
    Code.REQUEST_INVALID: "A value from Commerce is longer than the field there takes, is empty where one is needed, or "
    "has another form, as a date or an amount.",
    Code.REMOTE_REJECTED: "A rule of that system's own stands against it: a required custom field, a locked or closed "
    "record, a workflow.",
    Code.REMOTE_GONE: "Somebody deleted the record, or merged it into another.",
    Code.REMOTE_EXISTS: "A person made a record of that name or number by hand, or another program numbers from the same "
    "range.",
    Code.REMOTE_CONFLICT: "A person has the record open in ConnectWise, or a workflow writes it at the same moment.",
    Code.REMOTE_UNWELL: "An upgrade, an outage or an overload there, or a record that its software stumbles over.",
    Code.OUTCOME_UNKNOWN: "The connection broke or the time was over after the request had left, or a worker ended in the "
    "middle of it.",
    Code.CONNECTION_UNREACHABLE: "The address is wrong, a name is not resolved, a firewall or proxy is in between, or the "
    "system is away.",
    Code.CONNECTION_PAUSED: "A person paused it, credentials were refused, or the vendor asked for a pause.",
    Code.CREDENTIALS_REFUSED: "Keys were revoked or expired, the API member is inactive, company or address name another "
    "ConnectWise, or the consent to the ledger ended.",
    Code.PERMISSION_MISSING: "The security role was never given it, was changed since, or the API member was moved to "
    "another role.",
    Code.RATE_LIMITED: "Several programs share the limit, a backlog or a sweep uses much at once, or Xero's day is used "
    "up.",
    Code.PEER_SICK: "An outage there, or something between here and there that answers in its place.",
    Code.DECIDE_FAILED: "A fault of the service, or data of a kind that it does not foresee.",
    Code.POISON: "A fault that ends the process, such as a document that takes all memory; or workers that were killed "
    "again and again for another reason.",
    # Deliveries that were not taken
    Code.SIGNATURE_REFUSED: "The secret was changed on one side only, a proxy changed the body, or it is somebody else.",
    Code.TIMESTAMP_OUTSIDE_WINDOW: "A clock is off on either side, or an old delivery was sent again with its old "
    "signature.",
    Code.ID_REUSED: "The sender counts its ids anew after a restart, or uses the order's number as the id.",
    Code.BODY_NOT_JSON: "The sender cuts the body off, sends a form, or encodes it twice.",
    Code.BODY_NOT_VALID: "A field is missing or has another type: the sender follows an older form, or takes fields of "
    "Commerce's interface as they are.",
    Code.DATE_AHEAD: "The clock of the sender is off, or a date was read in the wrong zone or order of day and month.",
    Code.TYPE_UNHANDLED: "The sender posts all events that it has, or misspells a type.",
}
