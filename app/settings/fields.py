"""How a setting is declared: with its group, its default and its sentence.

Owns the groups and the makers of fields; `service`, `connections`, `names`, `behaviour` and `live`
hold one group each.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Group(StrEnum):
    """Where a setting rules: the environment for ever, or the database after the first start."""

    SERVICE = "service"
    CONNECTION = "connection"
    NAMES = "names"
    BEHAVIOUR = "behaviour"
    LIVE = "live"


def service(default: Any, description: str, **more: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"group": Group.SERVICE}, **more
    )


def connection(default: Any, description: str, **more: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"group": Group.CONNECTION}, **more
    )


def name(description: str) -> Any:
    return Field("", description=description, json_schema_extra={"group": Group.NAMES})


def behaviour(default: Any, description: str, **more: Any) -> Any:
    return Field(
        default, description=description, json_schema_extra={"group": Group.BEHAVIOUR}, **more
    )


def live(default: Any, description: str, **more: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"group": Group.LIVE}, **more)


def _switch(value: Any) -> Any:
    """Text, as all behaviour settings are pinned; a JSON true or false, or True, means the same."""
    return str(value).lower() if isinstance(value, (bool, str)) else value


Switch = Annotated[Literal["false", "true"], BeforeValidator(_switch)]


class Part(BaseSettings):
    """Some of the fields of `Settings`, which alone is ever made.

    Holds no checks: of two with one name in two parts, pydantic keeps one without a word.
    """

    # Only `Settings` is built: a validator for each part would slow every start.
    model_config = SettingsConfigDict(defer_build=True)
