"""Logs: one JSON line an event, readable lines on a terminal, the correlation id on each of them.

Owns the logging set-up and the redaction of secrets and personal data; `metrics.py` counts.
Must not know what is logged: callers name the event and its fields.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars

from app.telemetry import tracing

REDACTED = "[redacted]"

# Names of fields whose value is never written. Parts of a name, in lower case without separators.
_SECRET = ("authorization", "token", "secret", "password", "credential", "signature", "cookie")
_PERSONAL = ("email", "phone", "firstname", "lastname", "fullname", "contactname", "address")
_HIDDEN = re.compile("|".join((*_SECRET, *_PERSONAL)))
_KEYS = re.compile(r"(^|[a-z])(key|keys)$")  # api_key, private_key, key; not key_url, keyboard
# The same in texts that somebody else wrote: exceptions, addresses, vendors' messages.
_IN_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"whsec_[A-Za-z0-9+/=_-]+"), "whsec_" + REDACTED),
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{8,}"), r"\1 " + REDACTED),
    (re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@"), REDACTED + "@"),
    (re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+"), REDACTED),
)
_NOISY = ("aiohttp.access", "alembic", "asyncio", "httpx", "urllib3", "uvicorn.access")
_DEPTH = 6


def hidden(name: str) -> bool:
    """Whether a field of this name may not be written."""
    plain = name.lower().replace("_", "").replace("-", "")
    return bool(_HIDDEN.search(plain) or _KEYS.search(plain))


def scrub(text: str) -> str:
    """A text without secrets, passwords in addresses and e-mail addresses."""
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, depth: int = 0) -> Any:
    """The value with hidden fields replaced, at any depth that a log line should have."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if depth >= _DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            name: REDACTED if item and hidden(str(name)) else redact(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(item, depth + 1) for item in value]
    return value


def _traced(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if (found := tracing.trace_id()) is not None:
        line.setdefault("trace_id", found)
    return line


def _redaction(
    _logger: Any, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    line.pop("color_message", None)  # uvicorn's own copy of its message, for terminals
    for name in list(line):
        # structlog's own fields (_record and the like) are dropped by its formatter.
        if not name.startswith("_"):
            line[name] = REDACTED if line[name] and hidden(name) else redact(line[name])
    return line


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's lines through one formatter. Repeatable."""
    out = sys.stderr if stream is None else stream
    shared: list[structlog.typing.Processor] = [
        merge_contextvars,
        _traced,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redaction,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if out.isatty()
        else structlog.processors.JSONRenderer(default=str)
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module, by its `__name__`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


@contextmanager
def correlated(correlation_id: str, **fields: Any) -> Iterator[None]:
    """Put the correlation id (and more fields) on every line written inside, tasks included."""
    with bound_contextvars(correlation_id=correlation_id, **fields):
        yield


def correlation_id() -> str | None:
    """The id that `correlated` set for this task, if any."""
    found = get_contextvars().get("correlation_id")
    return str(found) if found is not None else None


def wide(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """The one line of a step's attempt (or of another whole piece of work), with all it needs.

    Fields that are None are left out, so that a line holds only what was known.
    """
    # Intake writes a line a delivery below the usual level: not making it costs nothing.
    if not logging.getLogger("demandlink").isEnabledFor(level):
        return
    known = {name: value for name, value in fields.items() if value is not None}
    structlog.stdlib.get_logger("demandlink").log(level, event, **known)
