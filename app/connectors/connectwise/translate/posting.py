"""Reading what accounting sees of companies and invoices. Pure."""

from __future__ import annotations

from typing import Any

from app.connectors.connectwise import schemas
from app.domain import psa_posting


def company(raw: Any) -> psa_posting.PostingCompany | None:
    """None for a deleted company."""
    read = schemas.Company.model_validate(raw)
    if read.deleted_flag:
        return None
    contacts = (read.billing_contact, read.default_contact)
    return psa_posting.PostingCompany(
        id=read.id,
        identifier=read.identifier,
        account=read.account_number.strip(),
        contact=any(contact is not None and contact.id for contact in contacts),
        taxed=read.tax_code is not None and bool(read.tax_code.id),
    )


def gl_entry(raw: Any) -> psa_posting.GlEntry:
    read = schemas.GlEntry.model_validate(raw)
    return psa_posting.GlEntry(read.type, read.description, read.product_id.strip())
