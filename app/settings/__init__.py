"""The service's settings: the only reader of the environment.

Owns names, defaults and checks (`contracts/http.md`). `BEHAVIOUR` settings are pinned on an order
when its sales order arrives; `NAMES` and `LIVE` settings are read live from the database, which
these values seed once. Addresses, credentials and secrets always come from here. Each group of
fields has its file; the checks are here, because many are of fields of several groups.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any, Self

from pydantic import ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.domain.alerts import Quiet
from app.settings.behaviour import BehaviourSettings
from app.settings.connections import ConnectionSettings
from app.settings.fields import Group
from app.settings.live import LiveSettings
from app.settings.names import NameSettings
from app.settings.service import ServiceSettings
from app.settings.values import MAIL_ADDRESS, address, listed, zone_of

__all__ = ["DEFAULT_TENANT", "Group", "Settings", "check", "group_of", "listed", "names_in"]

DEFAULT_TENANT = 1  # the tenant to which the connections of the environment belong


# The last base's fields come first, as in .env.example and the reference.
class Settings(LiveSettings, BehaviourSettings, NameSettings, ConnectionSettings, ServiceSettings):
    """Everything that can be set, each with a sentence. Secrets never show in a repr."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        defer_build=False,
    )

    @field_validator("database_url", "redis_url")
    @classmethod
    def _server(cls, value: str, info: ValidationInfo) -> str:
        of_database = info.field_name == "database_url"
        return address(
            value.strip(),
            ("postgresql", "postgres") if of_database else ("redis", "rediss", "unix"),
        )

    @field_validator(
        "connectwise_url", "public_url", "commerce_api_url", "quickbooks_url", "xero_url",
        "quickbooks_authorize_url", "quickbooks_token_url", "quickbooks_revoke_url",
        "xero_authorize_url", "xero_identity_url",
    )  # fmt: skip
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        return address(value.strip().rstrip("/"), ("https", "http"))

    @model_validator(mode="after")
    def _lease_outlasts_a_call(self) -> Self:
        """Before each write the lease has to last for a whole call, or it is not sent."""
        ledger = self.quickbooks_client_id or self.xero_client_id
        if ledger and self.ledger_timeout >= self.lease_seconds:
            raise ValueError(
                f"LEDGER_TIMEOUT of {self.ledger_timeout:g} has to be less than LEASE_SECONDS of "
                f"{self.lease_seconds:g}: no call may outlive its order's lease."
            )
        return self

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        """A mail server is of use only with a sender, and a password only behind encryption."""
        if self.smtp_host and not self.smtp_sender:
            raise ValueError("SMTP_SENDER has to be set with SMTP_HOST: mail needs a sender.")
        if self.smtp_user and self.smtp_tls == "none":
            raise ValueError(
                "SMTP_TLS = none would send SMTP_PASSWORD unencrypted. Set starttls or tls, or leave"
                " SMTP_USER empty."
            )
        if self.smtp_host and self.smtp_timeout >= self.lease_seconds:
            raise ValueError(
                f"SMTP_TIMEOUT of {self.smtp_timeout:g} has to be less than LEASE_SECONDS of "
                f"{self.lease_seconds:g}: no letter may outlive its order's lease."
            )
        return self

    @field_validator("smtp_sender", "purchasing_officer_email")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        value = value.strip()
        if value and not MAIL_ADDRESS.fullmatch(value):
            raise ValueError("has to be one e-mail address, as in purchasing@msp.example")
        return value

    @field_validator("commerce_poll_since")
    @classmethod
    def _date(cls, value: str) -> str:
        if value.strip():
            datetime.fromisoformat(value.strip())
        return value.strip()

    @field_validator("commerce_time_zone", "alert_time_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zone_of(value.strip())
        return value.strip()

    @model_validator(mode="after")
    def _quiet_hours(self) -> Self:
        try:
            Quiet.of(self.alert_quiet_hours, UTC)
        except ValueError as wrong:
            raise ValueError(f"ALERT_QUIET_HOURS {wrong}") from None
        return self

    @property
    def quiet(self) -> Quiet | None:
        """When no alert is sent; None: it never is quiet."""
        return Quiet.of(self.alert_quiet_hours, zone_of(self.alert_time_zone))

    @property
    def polls_commerce(self) -> bool:
        return bool(self.commerce_api_url and self.commerce_api_key.get_secret_value())

    @property
    def commerce_zone(self) -> tzinfo:
        return zone_of(self.commerce_time_zone)

    @property
    def poll_since(self) -> datetime | None:
        """COMMERCE_POLL_SINCE as a moment; without an offset it is of Commerce's zone."""
        if not self.commerce_poll_since:
            return None
        given = datetime.fromisoformat(self.commerce_poll_since)
        return given if given.tzinfo is not None else given.replace(tzinfo=self.commerce_zone)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The accepted Commerce webhook secrets, in the given order."""
        return listed(self.commerce_webhook_secrets)


def group_of(name: str) -> Group:
    """The group of a setting. Raises KeyError for a name that is not a setting."""
    extra = Settings.model_fields[name].json_schema_extra
    if not isinstance(extra, dict):
        raise KeyError(name)
    return Group(str(extra["group"]))


@cache
def names_in(*groups: Group) -> tuple[str, ...]:
    """Names of the settings of these groups, in the order of the class."""
    return tuple(name for name in Settings.model_fields if group_of(name) in groups)


class _Given(Settings):
    """Settings from nowhere but what is given: `check` gives them all, and to look through the
    environment for them costs far more than the check."""

    # Built when it is first asked: what only reads the settings need not pay for it.
    model_config = SettingsConfigDict(title=Settings.__name__, defer_build=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def check(values: dict[str, Any]) -> dict[str, Any]:
    """Validate stored or patched settings by the class's own rules.

    Raises pydantic.ValidationError; returns JSON values (Decimals as text).
    """
    unknown = sorted(set(values) - set(names_in(Group.NAMES, Group.BEHAVIOUR, Group.LIVE)))
    if unknown:
        raise ValueError(f"not settings that can be changed here: {', '.join(unknown)}")
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items()}
    checked = _Given.model_validate({**defaults, **values})
    dumped = checked.model_dump(mode="json")
    return {name: dumped[name] for name in values}
