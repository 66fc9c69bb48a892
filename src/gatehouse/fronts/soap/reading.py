"""Reads an envelope as leniently as the contract asks, and as safely as a stranger's document must be read.

What comes out is plain: a method's name and texts under canonical names. Spyne never sees the document.
"""

import codecs
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from gatehouse.fronts.data_contracts import (
    APPLICATION_HEADER,
    CREDENTIALS_HEADER,
    NOT_TEXT,
    REQUESTS,
    Blocks,
    Member,
    NotText,
)
from gatehouse.fronts.soap.faults import Fault, SoapFault
from gatehouse.fronts.soap.versions import SoapVersion

_ADDRESSING_NAMESPACES = frozenset(
    {
        "http://schemas.xmlsoap.org/ws/2003/03/addressing",
        "http://schemas.xmlsoap.org/ws/2004/03/addressing",
        "http://schemas.xmlsoap.org/ws/2004/08/addressing",
        "http://www.w3.org/2005/08/addressing",
        "http://schemas.microsoft.com/ws/2005/05/addressing/none",
    }
)
_OWN_HEADERS = {name.casefold(): name for name in (APPLICATION_HEADER, CREDENTIALS_HEADER)}

_METHODS = {name.casefold(): name for name in REQUESTS}
_MEMBERS = {
    method: {name.casefold(): (name, member) for name, member in members.items()}
    for method, members in REQUESTS.items()
}

Given = list[tuple[str, str | NotText | None]]


@dataclass(frozen=True)
class Limits:
    """How much of a document is read at all. Source: contract, Faults; WCF's reader quotas."""

    max_depth: int
    max_nodes: int


@dataclass(frozen=True)
class Headers:
    """What the header said: our two tokens, and the addressing namespace, action and id where a client used them."""

    application_token: str | None = None
    credentials_token: str | None = None
    addressing: str | None = None
    action: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class Envelope:
    """What an envelope said: the method, the members given, in order, and its header."""

    method: str
    members: Given
    headers: Headers


class _Parsers(threading.local):
    """The parsers of one thread, since they may not be shared: by the charset that HTTP named, if any."""

    def __init__(self) -> None:
        self._usual = {None: _make_parser(None), "utf-8": _make_parser("utf-8")}

    def get(self, charset: str | None) -> etree.XMLParser:
        """Return a parser for this charset. Raises LookupError when nobody knows it."""
        name = charset and codecs.lookup(charset).name
        return self._usual.get(name) or _make_parser(name)


def _make_parser(encoding: str | None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=False,
    )


_parsers = _Parsers()


def read_envelope(
    body: bytes, version: SoapVersion, charset: str | None, action: str | None, namespace: str, limits: Limits
) -> Envelope:
    """Return what the request says. Raises SoapFault for everything that is not a call of this service.

    `charset` is the one of the media type, which goes before the document's own; `action` the one that HTTP
    names; `namespace` the target namespace, by which a full action begins.
    """
    root = _parse(body, charset, limits)
    header, body_element = _open(root, version)
    headers = _read_headers(header, version)
    operations = list(body_element)
    if len(operations) != 1:
        raise SoapFault(Fault.ACTION_NOT_SUPPORTED)
    operation = operations[0]
    method = _METHODS.get(_local_name(operation))
    # In SOAP 1.1 the action is HTTP's matter; there the header is often a copy from another program's trace.
    actions = (action, headers.action if version is SoapVersion.SOAP_12 else None)
    if method is None or not all(_is_action_of(each, method, namespace) for each in actions):
        raise SoapFault(Fault.ACTION_NOT_SUPPORTED)
    members = [] if _is_nil(operation) else _read_members(operation, _MEMBERS[method])
    return Envelope(method, members, headers)


def _parse(body: bytes, charset: str | None, limits: Limits) -> etree._Element:
    if _looks_too_wide(body, 4 * limits.max_nodes):
        raise SoapFault(Fault.TOO_WIDE)
    try:
        parser = _parsers.get(charset)
    except (LookupError, ValueError):
        raise SoapFault(Fault.NOT_SOAP) from None
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise SoapFault(_fault_of_parser(body, error)) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise SoapFault(Fault.DOCTYPE)
    _check_limits(root, limits)
    return root


def _looks_too_wide(body: bytes, most: int) -> bool:
    """Whether a document has so many elements or attributes that it need not even be parsed.

    Each element has an angle bracket of its own; each attribute and each declaration of a prefix an equals
    sign and a pair of quotes.
    """
    if body.count(b"<") > most:
        return True
    return body.count(b"=") > most and body.count(b'"') + body.count(b"'") > 2 * most


def _fault_of_parser(body: bytes, error: Exception) -> Fault:
    if b"<!DOCTYPE" in body:
        return Fault.DOCTYPE
    # The parser has limits of its own, of which only the depth is within ours.
    is_limit = getattr(error, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    return Fault.TOO_DEEP if is_limit else Fault.NOT_XML


def _check_limits(root: etree._Element, limits: Limits) -> None:
    nodes, level = 0, [root]
    for _ in range(limits.max_depth):
        nodes += len(level) + sum(len(element.attrib) for element in level)
        if nodes > limits.max_nodes:
            raise SoapFault(Fault.TOO_WIDE)
        level = [child for element in level for child in element]
        if not level:
            return
    raise SoapFault(Fault.TOO_DEEP)


def _open(root: etree._Element, version: SoapVersion) -> tuple[etree._Element | None, etree._Element]:
    """Return header and body of an envelope of this version."""
    if root.tag != version.envelope:
        raise SoapFault(Fault.VERSION_MISMATCH)
    body = root.find(version.body)
    if body is None:
        raise SoapFault(Fault.NO_BODY)
    return root.find(version.header), body


def _read_headers(header: etree._Element | None, version: SoapVersion) -> Headers:
    """Return what our own and the addressing headers say; the first of a name counts."""
    own: dict[str, str] = {}
    addressing: dict[str, str] = {}
    for element in () if header is None else header:
        name = etree.QName(element)
        if (own_name := _OWN_HEADERS.get(name.localname.casefold())) is not None:
            own.setdefault(own_name, (element.text or "").strip())
        elif name.namespace in _ADDRESSING_NAMESPACES:
            addressing.setdefault("namespace", name.namespace)
            addressing.setdefault(name.localname, (element.text or "").strip())
        elif _must_be_understood(element, version):
            raise SoapFault(Fault.NOT_UNDERSTOOD, (name.namespace or "", name.localname))
    return Headers(
        application_token=own.get(APPLICATION_HEADER) or None,
        credentials_token=own.get(CREDENTIALS_HEADER) or None,
        addressing=addressing.get("namespace"),
        action=addressing.get("Action"),
        message_id=addressing.get("MessageID"),
    )


def _must_be_understood(element: etree._Element, version: SoapVersion) -> bool:
    is_ours = element.get(version.role, "").strip() in version.own_roles
    return is_ours and element.get(version.must_understand, "").strip() in ("1", "true")


def _is_action_of(action: str | None, method: str, namespace: str) -> bool:
    """Whether an action leaves this method open or names it."""
    text = (action or "").strip().strip('"').strip().casefold()
    return text in ("", method.casefold(), f"{namespace}IAccount/{method}".casefold())


def _read_members(operation: etree._Element, known: Mapping[str, tuple[str, Member]]) -> Given:
    given: Given = []
    for child in operation:
        name, member = known.get(_local_name(child), (None, None))
        if name is None or member is None:
            continue
        if isinstance(member, Blocks):
            given.extend(_read_blocks(child, name, member))
        else:
            given.append((name, _text(child)))
    return given


def _read_blocks(element: etree._Element, name: str, blocks: Blocks) -> Iterator[tuple[str, str | NotText | None]]:
    """Give the members of an array of blocks, or of a single block where a client sent no array."""
    known = {inner.casefold(): (inner, member) for inner, member in blocks.members.items()}
    if _is_nil(element):
        return
    if not len(element) and (element.text or "").strip():
        yield name, NOT_TEXT
    for child in element:
        if _local_name(child) in known:
            inner, _ = known[_local_name(child)]
            yield inner, _text(child)
        elif not _is_nil(child):
            # An item, whatever it is called: some toolkits name every item `item`.
            yield from _read_members(child, known)


def _text(element: etree._Element) -> str | NotText | None:
    if _is_nil(element):
        return None
    return NOT_TEXT if len(element) else element.text or ""


def _is_nil(element: etree._Element) -> bool:
    return any(
        etree.QName(name).localname == "nil" and str(value).strip() in ("1", "true")
        for name, value in element.attrib.items()
    )


def _local_name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].casefold()
