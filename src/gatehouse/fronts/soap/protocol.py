"""Spyne's two protocols, reduced to what is left to do: the request was read before, the reply is written here."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from gatehouse.fronts.soap import spyne_imports  # noqa: F401  # isort: skip  # before anything of Spyne
import spyne.const
from spyne import Application, MethodContext
from spyne.protocol.soap import Soap11
from spyne.server import ServerBase

from gatehouse.fronts.data_contracts import NOT_XML, WireResult
from gatehouse.fronts.soap.service import AccountService, Exchange
from gatehouse.fronts.soap.types import DATA_NAMESPACE

TARGET_NAMESPACE = "http://tempuri.org/"

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_QUOTED = {'"': "&quot;"}
_ESCAPED = {"\r": "&#xD;"}  # A parser would turn it into a line feed.
_NOT_PLAIN = re.compile(f"[&<>\r]|{NOT_XML.pattern}")

# Spyne collects garbage inside a request, up to once a second; Python does so by itself.
spyne.const.MIN_GC_INTERVAL = float("inf")


class ReadEnvelope(Soap11):  # type: ignore[misc]
    """Takes a request that `reading` has read: no document, no multi-reference, no `xsi:type` reaches Spyne."""

    def get_context(self, parent: Any, transport: Any) -> None:
        """Keep nothing of a call. What Spyne keeps knows the call, which knows it: only a collection frees such."""

    def create_in_document(self, ctx: Any, charset: Any = None) -> None:
        """Nothing to parse."""

    def decompose_incoming_envelope(self, ctx: Any, message: Any = Soap11.REQUEST) -> None:
        """Name the method."""
        ctx.method_request_string = f"{{{self.app.tns}}}{ctx.udc.call.method}"

    def deserialize(self, ctx: Any, message: Any) -> None:
        """Leave the members where they are, in the exchange: they were matched and checked by name."""
        ctx.in_object = []


class WriteEnvelope(Soap11):  # type: ignore[misc]
    """Writes the reply as WCF does: prefixes, order, and a null as `i:nil`, which Spyne would leave out."""

    def __init__(self, target_namespace: str, data_namespace: str) -> None:
        super().__init__()
        self._target, self._data = (escape(name, _QUOTED) for name in (target_namespace, data_namespace))

    def get_context(self, parent: Any, transport: Any) -> None:
        """Keep nothing of a call."""

    def serialize(self, ctx: Any, message: Any) -> None:
        """Write what the service method returned."""
        method, exchange = ctx.descriptor.name, ctx.udc
        (result,) = ctx.out_object
        ctx.out_string = [
            (
                '<?xml version="1.0" encoding="utf-8"?>'
                f'<s:Envelope xmlns:s="{exchange.version.namespace}">{self._header(method, exchange)}<s:Body>'
                f'<{method}Response xmlns="{self._target}"><{method}Result xmlns:a="{self._data}" xmlns:i="{_XSI}">'
                f"{_members(result)}</{method}Result></{method}Response></s:Body></s:Envelope>"
            ).encode()
        ]

    def create_out_string(self, ctx: Any, charset: Any = None) -> None:
        """Nothing is left to do."""

    def _header(self, method: str, exchange: Exchange) -> str:
        """Return the addressing headers of a reply to a message that had an id. Source: WS-Addressing 1.0 core, 3.4."""
        if exchange.addressing is None:
            return ""
        namespace, message_id = exchange.addressing
        return (
            f'<s:Header><w:Action xmlns:w="{namespace}" s:mustUnderstand="1">{self._target}IAccount/{method}Response'
            f'</w:Action><w:RelatesTo xmlns:w="{namespace}">{_text(message_id)}</w:RelatesTo></s:Header>'
        )


def _members(result: WireResult) -> str:
    return "".join(
        f'<a:{name} i:nil="true"/>' if value is None else f"<a:{name}>{_text(value)}</a:{name}>"
        for name, value in result.items()
    )


def _text(value: str | int | bool | datetime) -> str:
    match value:
        case str():
            # Of most texts nothing has to be written otherwise, which is told faster.
            return escape(NOT_XML.sub("\ufffd", value), _ESCAPED) if _NOT_PLAIN.search(value) else value
        case bool():
            return "true" if value else "false"
        case datetime():
            return date_time(value)
        case _:
            return str(value)


def date_time(moment: datetime) -> str:
    """Return a moment in UTC as .NET writes one, to the millisecond where it has any."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond // 1000:03d}Z" if moment.microsecond >= 1000 else f"{text}Z"


class LeanContext(MethodContext):  # type: ignore[misc]
    """Spyne's context of a call, without four things that made it a third of a refused call's time.

    It asked whether each attribute that is set is one, and all managers for listeners, of whom there are none, made
    a copy of itself for each of the methods that answer one call, of which there is one, and called a function for each
    look at that method.
    """

    TransportContext = None
    __setattr__ = object.__setattr__
    descriptor = None

    def copy(self) -> "LeanContext":
        """Return the context of the one method that answers."""
        return self

    def fire_event(self, event: str, *arguments: Any, **named: Any) -> None:
        """Tell those who listen."""
        if self.app.event_manager.handlers:
            self.app.event_manager.fire_event(event, self, *arguments, **named)
        if self.descriptor is not None:
            for manager in self.descriptor.event_managers:
                if manager.handlers:
                    manager.fire_event(event, self, *arguments, **named)


class SpyneServer(ServerBase):  # type: ignore[misc]
    """Runs one exchange through Spyne's pipeline, on no transport of its own."""

    transport = "http://schemas.xmlsoap.org/soap/http"

    def run(self, exchange: Exchange) -> bytes | None:
        """Return the reply, or None when Spyne could not make one."""
        initial = LeanContext(self, MethodContext.SERVER)
        initial.udc, initial.event = exchange, None  # each event's context would know this one
        (ctx,) = self.generate_contexts(initial)
        if ctx.in_error is None:
            ctx.function = ctx.descriptor.function  # which the property of Spyne's own context does
            self.get_in_object(ctx)
            self.get_out_object(ctx)
        if ctx.in_error is not None or ctx.out_error is not None:
            return None
        self.get_out_string(ctx)
        return b"".join(ctx.out_string)


def make_application(namespaces: Mapping[str, str] | None = None) -> Application:
    """Return the Spyne application of the service.

    `namespaces` maps the contract's namespaces to those that an operator set; only replies show them, since
    requests are matched without regard to namespace.
    """
    names = namespaces or {}
    return Application(
        [AccountService],
        tns=TARGET_NAMESPACE,
        name="Account",
        in_protocol=ReadEnvelope(validator=None, parse_xsi_type=False),
        out_protocol=WriteEnvelope(
            names.get(TARGET_NAMESPACE, TARGET_NAMESPACE), names.get(DATA_NAMESPACE, DATA_NAMESPACE)
        ),
    )
