"""Spans, and where they are sent: an OpenTelemetry collector, over OTLP/HTTP, if one is set.

Owns the span under way of each task and the exporter. Without a collector a span costs a look at
one variable, and OpenTelemetry is not even loaded. Attributes are names, numbers and states of the
service's own: never a body, a condition or a person.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from app.domain import traces

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor

Value = str | int | float | bool | None
Kind = Literal["internal", "server", "client", "consumer"]
EXPORT_SECONDS = 5
STOP_MILLISECONDS = 3000


@dataclass(slots=True)
class Span:
    """A piece of work under way. `parent` is a context, None where a trace begins."""

    name: str
    own: str
    parent: str | None
    kind: Kind
    began: int
    attributes: dict[str, Value] = field(default_factory=dict)
    failed: str | None = None
    link: str | None = None  # the context of another trace that it goes on from


@dataclass(frozen=True, slots=True)
class _Sending:
    processor: SpanProcessor
    resource: Resource
    now: Callable[[], int]
    ids: Callable[[], str]


_sending: _Sending | None = None
# What the task works for: a span of this process, or the context that an order carries.
_span: ContextVar[Span | None] = ContextVar("span", default=None)
_context: ContextVar[str | None] = ContextVar("trace_context", default=None)


def start(
    endpoint: str,
    headers: Mapping[str, str],
    *,
    now: Callable[[], int],
    ids: Callable[[], str],
) -> None:
    """Send spans to the collector at `endpoint` (without /v1/traces). `now`: nanoseconds since
    1970; `ids`: 16 random hex digits. A collector that is away loses spans, nothing else."""
    global _sending  # noqa: PLW0603 - one exporter a process, as there is one registry of metrics
    # Here, because a service without a collector should not pay for loading them.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    stop()
    exporter = OTLPSpanExporter(
        endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers), timeout=EXPORT_SECONDS
    )
    told = Resource.create({"service.name": "demandlink", "process.pid": os.getpid()})
    _sending = _Sending(BatchSpanProcessor(exporter), told, now, ids)


def stop() -> None:
    """Send what is left, for a few seconds at most. Blocks."""
    global _sending
    ending, _sending = _sending, None
    if ending is not None:
        ending.processor.force_flush(STOP_MILLISECONDS)
        ending.processor.shutdown()


def on() -> bool:
    return _sending is not None


def now() -> int:
    """Nanoseconds since 1970, for `note`; 0 without a collector."""
    return _sending.now() if _sending is not None else 0


def follow(context: str | None) -> None:
    """What this task does from now on belongs to the trace of this context."""
    _context.set(context)


def trace_id() -> str | None:
    """Of the trace that this task works for."""
    return traces.trace_id(_context.get())


@contextmanager
def span(name: str, kind: Kind = "internal", **attributes: Value) -> Iterator[None]:
    """A piece of work of this task. It begins a trace of its own where there is none yet."""
    sending = _sending
    if sending is None:
        yield
        return
    parent = _context.get()
    found = traces.parts(parent)
    trace = found[0] if found is not None else sending.ids() + sending.ids()
    begun = Span(
        name, traces.context(trace, sending.ids()), parent, kind, sending.now(), attributes
    )
    before, within = _span.set(begun), _context.set(begun.own)
    try:
        yield
    except BaseException as error:
        begun.failed = type(error).__name__
        raise
    finally:
        _span.reset(before)
        _context.reset(within)
        _send(sending, begun, sending.now())


def tell(*, failed: str | None = None, **attributes: Value) -> None:
    """Add to the span under way, if there is one."""
    under_way = _span.get()
    if under_way is not None:
        under_way.attributes.update(attributes)
        under_way.failed = failed or under_way.failed


def answered(status: int | None) -> None:
    """Tell the call under way its HTTP status; a refusal counts as failed."""
    refused = status is not None and status >= HTTPStatus.BAD_REQUEST
    tell(failed=str(status) if refused else None, http__response__status_code=status)


def note(
    name: str,
    own: str | None,
    parent: str | None,
    began: int,
    kind: Kind = "internal",
    link: str | None = None,
    **attributes: Value,
) -> None:
    """A span whose context was known before it began, and that ends now. `link`: the context of
    another trace that it goes on from."""
    if _sending is not None and own is not None:
        _send(_sending, Span(name, own, parent, kind, began, attributes, link=link), _sending.now())


def _send(sending: _Sending, ended: Span, at: int) -> None:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

    def within(context: str | None) -> SpanContext | None:
        found = traces.parts(context)
        if found is None:
            return None
        trace, span = int(found[0], 16), int(found[1], 16)
        return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(1))

    status = Status(StatusCode.ERROR, ended.failed) if ended.failed else Status(StatusCode.UNSET)
    known = {name: value for name, value in ended.attributes.items() if value is not None}
    linked = within(ended.link)
    readable = ReadableSpan(
        ended.name,
        context=within(ended.own),
        parent=within(ended.parent),
        resource=sending.resource,
        attributes={name.replace("__", "."): value for name, value in known.items()},
        links=[Link(linked)] if linked is not None else [],
        kind=SpanKind[ended.kind.upper()],
        status=status,
        start_time=ended.began,
        end_time=at,
    )
    sending.processor.on_end(readable)
