"""Where ConnectWise, Commerce, the ledger and the mail server are, with their credentials.

The environment rules for the default tenant (`Group.CONNECTION`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr

from app.settings.fields import Part, connection


class ConnectionSettings(Part):
    """Addresses, credentials and secrets of the systems that are kept in step."""

    connectwise_url: str = connection(
        "", "Base address of ConnectWise, up to /apis/3.0; empty: no ConnectWise connection."
    )
    connectwise_company: str = connection("", "Login company of the ConnectWise API member.")
    connectwise_public_key: SecretStr = connection(
        SecretStr(""), "Public key of the ConnectWise API member."
    )
    connectwise_private_key: SecretStr = connection(
        SecretStr(""), "Private key of the ConnectWise API member."
    )
    connectwise_client_id: str = connection("", "Client id registered with ConnectWise.")
    connectwise_callback_token: SecretStr = connection(
        SecretStr(""),
        "Unguessable last part of the callback address; empty: callbacks are refused.",
    )
    connectwise_timeout: float = connection(
        20.0, "Seconds after which a call to ConnectWise counts as unanswered.", gt=0, le=120
    )
    connectwise_record_types: str = connection(
        "ticket=ServiceFV,opportunity=OpportunityFV",
        "What ConnectWise's openrecord.rails calls a record, as kind=type, comma-separated; other"
        " kinds are shown without a link. Of sales_order, purchase_order, product and invoice the"
        " types are told nowhere: add yours.",
        pattern=r"^([a-z_]+=[A-Za-z]+(,[a-z_]+=[A-Za-z]+)*)?$",
    )
    connectwise_key_auth: bool = connection(
        False, "Send credentials when a callback's signing key is fetched (undocumented)."
    )
    commerce_connection: str = connection(
        "default",
        "Name of this Commerce system, which stands in the marks on records in ConnectWise and the"
        " ledger and in the address of its webhook. Give each its own where several share one"
        " ConnectWise; refused once documents came in under another name.",
        pattern=r"^[a-z0-9][a-z0-9-]{0,15}$",
    )
    commerce_webhook_secrets: SecretStr = connection(
        SecretStr(""),
        "Secrets of the Commerce webhook (whsec_...), comma-separated, all accepted; empty: off.",
    )
    commerce_api_url: str = connection(
        "https://api.kaseyaquotemanager.com", "Base address of Commerce's API; empty: no polling."
    )
    commerce_api_key: SecretStr = connection(
        SecretStr(""), "Key of Commerce's API, which is read-only; empty: no polling."
    )
    commerce_api_timeout: float = connection(
        20.0, "Seconds after which a call to Commerce's API counts as unanswered.", gt=0, le=120
    )
    commerce_time_zone: str = connection(
        "UTC",
        "Zone (Australia/Brisbane) of dates that Commerce's API gives without an offset; not"
        " documented. It is also the zone in which a moment has its day in the ledger.",
    )
    commerce_currency: str = connection(
        "USD", "Currency of documents in which Commerce gives none.", min_length=3, max_length=3
    )
    commerce_tax_basis: Literal["unit", "line"] = connection(
        "unit",
        "Whether a line's tax is for one unit or for the whole line, where lineTax is absent.",
    )
    quickbooks_client_id: str = connection(
        "", "Client id of the app at Intuit; empty: no QuickBooks Online."
    )
    quickbooks_client_secret: SecretStr = connection(SecretStr(""), "Client secret of that app.")
    quickbooks_realm: str = connection(
        "", "Company (realm id) to post to; empty: the one that is signed in to."
    )
    quickbooks_webhook_tokens: SecretStr = connection(
        SecretStr(""), "Verifier tokens of the app's webhook, comma-separated; empty: off."
    )
    quickbooks_url: str = connection(
        "https://quickbooks.api.intuit.com", "Base address of QuickBooks' API."
    )
    quickbooks_authorize_url: str = connection(
        "https://appcenter.intuit.com/connect/oauth2", "Page on which a person consents."
    )
    quickbooks_token_url: str = connection(
        "https://oauth.platform.intuit.com", "Host that gives tokens."
    )
    quickbooks_revoke_url: str = connection(
        "https://developer.api.intuit.com", "Host that takes tokens back."
    )
    xero_client_id: str = connection("", "Client id of the app at Xero; empty: no Xero.")
    xero_client_secret: SecretStr = connection(SecretStr(""), "Client secret of that app.")
    xero_tenant_id: str = connection(
        "", "Organisation (tenant id) to post to; empty: the one that is signed in to."
    )
    xero_webhook_keys: SecretStr = connection(
        SecretStr(""), "Signing keys of the app's webhook, comma-separated; empty: off."
    )
    xero_url: str = connection("https://api.xero.com", "Base address of Xero's API.")
    xero_authorize_url: str = connection(
        "https://login.xero.com/identity/connect/authorize", "Page on which a person consents."
    )
    xero_identity_url: str = connection("https://identity.xero.com", "Host of Xero's tokens.")
    ledger_timeout: float = connection(
        20.0,
        "Seconds after which a call to the ledger counts as unanswered; less than LEASE_SECONDS, or"
        " nothing is posted: no call may outlive its order's lease.",
        gt=0,
        le=120,
    )

    smtp_host: str = connection(
        "", "Mail server that takes what the service sends; empty: no mail."
    )
    smtp_port: int = connection(587, "Its port.", ge=1, le=65535)
    smtp_tls: Literal["starttls", "tls", "none"] = connection(
        "starttls",
        "How it is reached: encrypted after STARTTLS, encrypted from the start (port 465), or not"
        " at all, which is for a relay on the same machine.",
    )
    smtp_user: str = connection("", "User at the mail server; empty: without signing in.")
    smtp_password: SecretStr = connection(SecretStr(""), "Password of that user.")
    smtp_sender: str = connection("", "Address that mail comes from; needed with SMTP_HOST.")
    smtp_timeout: float = connection(
        15.0,
        "Seconds after which a letter counts as unanswered; less than LEASE_SECONDS.",
        gt=0,
        le=120,
    )
