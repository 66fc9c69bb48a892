"""Reads an envelope as leniently as the contract asks, and as safely as a stranger's document must be read.

What comes out is plain: a method's name and texts under canonical names. Spyne never sees the document.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from lxml import etree

from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import charsets
from gatehouse.fronts.data_contracts import (
    APPLICATION_HEADER,
    CREDENTIALS_HEADER,
    NOT_TEXT,
    REQUESTS,
    Blocks,
    Flag,
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
_ENCODING_OF_SOAP = frozenset({"encodingStyle", "href", "arrayType"})
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_OLD_XSI = "{http://www.w3.org/1999/XMLSchema-instance}"

Given = list[tuple[str, str | NotText | None]]
Noted = set[Tolerance]


@dataclass(frozen=True)
class Limits:
    """How much of a document is read at all. Source: contract, Faults; WCF's reader quotas."""

    max_depth: int
    max_nodes: int


@dataclass(frozen=True)
class Headers:
    """What the header said: our two tokens, and where a client used addressing the action, the id and its namespace."""

    application_token: str | None = None
    credentials_token: str | None = None
    addressing: str | None = None
    action: str | None = None
    message_id: str | None = None


_NO_HEADERS = Headers()


@dataclass(frozen=True)
class Envelope:
    """What an envelope said: the method, the members given, in order, its header, and what was tolerated of it."""

    method: str
    members: Given
    headers: Headers
    tolerances: Noted


@dataclass(frozen=True)
class _Known:
    """The members that may stand in one place, each with its place in the order of the description.

    By the tag that the description gives them, which is looked up first, and by their name in small letters.
    """

    by_tag: Mapping[str, tuple[int, str, Member]]
    by_name: Mapping[str, tuple[int, str, Member]]


class _Tools(threading.local):
    """What one thread parses and measures with, since it may not be shared."""

    def __init__(self) -> None:
        self._parsers = {None: _make_parser(None), "utf-8": _make_parser("utf-8")}
        self._is_deeper: dict[int, etree.XPath] = {}
        # Questions in XPath are answered in C; a walk over the tree took longer than to parse it.
        self._count = etree.XPath("count(//*) + count(//@*)", regexp=False)

    def parser(self, charset: str | None) -> etree.XMLParser:
        """Return a parser for this charset, of which there are few, or for the one that the document names."""
        parser = self._parsers.get(charset)
        if parser is None:
            parser = self._parsers[charset] = _make_parser(charset)
        return parser

    def count_nodes(self, root: etree._Element) -> int:
        """Return the number of elements and attributes."""
        return int(cast(float, self._count(root)))

    def is_deeper(self, root: etree._Element, depth: int) -> bool:
        """Whether there are elements below this depth; the root's is 1."""
        question = self._is_deeper.get(depth)
        if question is None:
            question = self._is_deeper[depth] = etree.XPath(f"boolean({'/*' * (depth + 1)})", regexp=False)
        return question(root) is True


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


_tools = _Tools()


class EnvelopeReader:
    """Reads the envelopes of a service with these namespaces, within these limits."""

    def __init__(self, target_namespace: str, data_namespace: str, limits: Limits) -> None:
        """Lay out what an envelope may hold."""
        self._limits = limits
        self._methods = {f"{{{target_namespace}}}{name}": name for name in REQUESTS}
        self._methods_by_name = {name.casefold(): name for name in REQUESTS}
        self._actions = {name: f"{target_namespace}IAccount/{name}" for name in REQUESTS}
        self._members = {name: _known(members, target_namespace) for name, members in REQUESTS.items()}
        self._blocks = {
            member.type_name: _known(member.members, data_namespace)
            for members in REQUESTS.values()
            for member in members.values()
            if isinstance(member, Blocks)
        }

    def read(self, body: bytes, version: SoapVersion, charset: str | None, action: str | None) -> Envelope:
        """Return what the request says. Raises SoapFault for everything that is not a call of this service.

        `charset` is the one of the media type, which goes before the document's own, and `action` the one that HTTP
        names. The first bytes go before both: of what they show there is no second reading.
        """
        noted: Noted = set()
        root = self._parse(body, charset, noted)
        header, body_element = _open(root, version)
        headers = _NO_HEADERS if header is None else _read_headers(header, version)
        operations = list(body_element)
        if len(operations) != 1:
            raise SoapFault(Fault.ACTION_NOT_SUPPORTED)
        operation = operations[0]
        method = self._method_of(operation, noted)
        # In SOAP 1.1 the action is HTTP's matter; there the header is often a copy from another program's trace.
        actions = (action,) if version is SoapVersion.SOAP_11 else (action, headers.action)
        if method is None or not all(self._is_action_of(each, method, noted) for each in actions):
            raise SoapFault(Fault.ACTION_NOT_SUPPORTED)
        if version is SoapVersion.SOAP_11 and not (action or "").strip(' "'):
            noted.add(Tolerance.ACTION_MISSING)
        for element in (root, body_element):
            _is_nil(element, noted)
        if _is_nil(operation, noted):
            noted.add(Tolerance.ODD_NIL)
            return Envelope(method, [], headers, noted)
        return Envelope(method, self._read_members(operation, self._members[method], noted), headers, noted)

    def _parse(self, body: bytes, charset: str | None, noted: Noted) -> etree._Element:
        most = self._limits.max_nodes
        if _looks_too_wide(body, 4 * most):
            raise SoapFault(Fault.TOO_WIDE)
        shown = charsets.charset_of_start(body)
        if shown is not None:
            body = charsets.without_mark(body, charset, shown, noted)
            charset = shown[0]
        try:
            root = etree.fromstring(body, _tools.parser(charset))
        except (etree.XMLSyntaxError, ValueError, LookupError) as error:
            raise SoapFault(_fault_of_parser(body, error)) from None
        about = root.getroottree().docinfo
        if about.internalDTD is not None:
            raise SoapFault(Fault.DOCTYPE)
        declared = about.encoding if charset is None else None
        known = charsets.find_charset(declared) if declared else charset
        charsets.note_charset(known or declared, noted)
        text = body.replace(b"\0", b"") if charsets.is_utf_16(known) else body
        if b"<!" in text:
            _note_markup(text, noted)
        # In a charset that we do not know, what the bytes look like says nothing.
        if (_may_be_too_wide(body, most) or (declared and not known)) and _tools.count_nodes(root) > most:
            raise SoapFault(Fault.TOO_WIDE)
        if _tools.is_deeper(root, self._limits.max_depth):
            raise SoapFault(Fault.TOO_DEEP)
        return root

    def _method_of(self, operation: etree._Element, noted: Noted) -> str | None:
        method = self._methods.get(operation.tag)
        if method is None:
            tag = str(operation.tag)
            method = self._methods_by_name.get(_local_name(tag).casefold())
            _note_difference(tag, next((tag for tag, name in self._methods.items() if name == method), tag), noted)
        return method

    def _is_action_of(self, action: str | None, method: str, noted: Noted) -> bool:
        """Whether an action leaves this method open or names it."""
        full = self._actions[method]
        text = (action or "").strip().strip('"').strip()
        if text in ("", full):
            return True
        noted.add(Tolerance.BARE_ACTION)
        return text.casefold() in (method.casefold(), full.casefold())

    def _read_members(self, operation: etree._Element, known: _Known, noted: Noted) -> Given:
        given: Given = []
        last, seen = -1, 0
        for child in operation:
            found = known.by_tag.get(child.tag) or _find_otherwise(str(child.tag), known, noted)
            if found is None:
                continue
            place, name, member = found
            if place <= last:
                noted.add(Tolerance.REPEATED_MEMBER if seen >> place & 1 else Tolerance.OTHER_ORDER)
            else:
                last = place
            seen |= 1 << place
            if isinstance(member, Blocks):
                self._read_blocks(child, name, self._blocks[member.type_name], member.type_name, given, noted)
            else:
                given.append((name, _text(child, member, noted)))
        return given

    def _read_blocks(
        self, element: etree._Element, name: str, known: _Known, item: str, given: Given, noted: Noted
    ) -> None:
        """Give the members of an array of blocks, or of a single block where a client sent no array."""
        if _is_nil(element, noted):
            return
        if not len(element) and (element.text or "").strip():
            given.append((name, NOT_TEXT))
        for child in element:
            local_name = _local_name(str(child.tag))
            if (found := known.by_name.get(local_name.casefold())) is not None:
                noted.add(Tolerance.SINGLE_BLOCK)
                given.append((found[1], _text(child, found[2], noted)))
            elif not _is_nil(child, noted):
                # An item, whatever it is called: some toolkits name every item `item`.
                if local_name != item:
                    noted.add(Tolerance.OTHER_ITEM_NAME)
                given.extend(self._read_members(child, known, noted))


def _known(members: Mapping[str, Member], namespace: str) -> _Known:
    places = {name: (place, name, member) for place, (name, member) in enumerate(members.items())}
    return _Known(
        {f"{{{namespace}}}{name}": found for name, found in places.items()},
        {name.casefold(): found for name, found in places.items()},
    )


def _find_otherwise(tag: str, known: _Known, noted: Noted) -> tuple[int, str, Member] | None:
    """Return the member of a tag that is not the description's, or None when there is none."""
    found = known.by_name.get(_local_name(tag).casefold())
    if found is None:
        noted.add(Tolerance.UNKNOWN_MEMBER)
        return None
    _note_difference(tag, next(tag for tag, each in known.by_tag.items() if each is found), noted)
    return found


def _note_difference(tag: str, expected: str, noted: Noted) -> None:
    """Note how a tag differs from the description's."""
    if _local_name(tag) != _local_name(expected):
        noted.add(Tolerance.OTHER_CASE)
    if tag.rpartition("}")[0] != expected.rpartition("}")[0]:
        noted.add(Tolerance.OTHER_NAMESPACE)


def _note_markup(body: bytes, noted: Noted) -> None:
    if b"<!--" in body:
        noted.add(Tolerance.COMMENT)
    if b"<![CDATA[" in body:
        noted.add(Tolerance.CDATA)


def _looks_too_wide(body: bytes, most: int) -> bool:
    """Whether a document has so many elements or attributes that it need not even be parsed.

    Each element has an angle bracket of its own; each attribute and each declaration of a prefix an equals
    sign and a pair of quotes.
    """
    if body.count(b"<") > most:
        return True
    return body.count(b"=") > most and body.count(b'"') + body.count(b"'") > 2 * most


def _may_be_too_wide(body: bytes, most: int) -> bool:
    """Whether it must be counted; each element has at least one of the first, each attribute one of the second."""
    return body.count(b"<") + body.count(b"=") > most


def _fault_of_parser(body: bytes, error: Exception) -> Fault:
    if b"<!DOCTYPE" in body.replace(b"\0", b""):
        return Fault.DOCTYPE
    # The parser has limits of its own, of which only the depth is within ours.
    is_limit = getattr(error, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    return Fault.TOO_DEEP if is_limit else Fault.NOT_XML


def _open(root: etree._Element, version: SoapVersion) -> tuple[etree._Element | None, etree._Element]:
    """Return header and body of an envelope of this version."""
    if root.tag != version.envelope:
        raise SoapFault(Fault.VERSION_MISMATCH)
    header: etree._Element | None = None
    for child in root:
        if child.tag == version.body:
            return header, child
        if header is None and child.tag == version.header:
            header = child
    raise SoapFault(Fault.NO_BODY)


def _read_headers(header: etree._Element, version: SoapVersion) -> Headers:
    """Return what our own and the addressing headers say; the first of a name counts."""
    own: dict[str, str] = {}
    addressing: dict[str, str] = {}
    namespaces: dict[str, str] = {}
    for element in header:
        name = etree.QName(element)
        if (own_name := _OWN_HEADERS.get(name.localname.casefold())) is not None:
            own.setdefault(own_name, (element.text or "").strip())
        elif name.namespace in _ADDRESSING_NAMESPACES:
            if name.localname not in addressing:
                addressing[name.localname] = (element.text or "").strip()
                namespaces[name.localname] = name.namespace
        elif _must_be_understood(element, version):
            raise SoapFault(Fault.NOT_UNDERSTOOD, (name.namespace or "", name.localname))
    return Headers(
        application_token=own.get(APPLICATION_HEADER) or None,
        credentials_token=own.get(CREDENTIALS_HEADER) or None,
        addressing=namespaces.get("MessageID"),
        action=addressing.get("Action"),
        message_id=addressing.get("MessageID"),
    )


def _must_be_understood(element: etree._Element, version: SoapVersion) -> bool:
    is_ours = element.get(version.role, "").strip() in version.own_roles
    return is_ours and element.get(version.must_understand, "").strip() in ("1", "true")


def _text(element: etree._Element, member: Member, noted: Noted) -> str | NotText | None:
    if _is_nil(element, noted):
        if isinstance(member, Flag) or len(element) or element.text:
            noted.add(Tolerance.ODD_NIL)
        return None
    return NOT_TEXT if len(element) else element.text or ""


def _is_nil(element: etree._Element, noted: Noted) -> bool:
    """Whether an element says that it is null. What its other attributes say is noted and not obeyed."""
    attributes: Iterable[tuple[str, str]] = element.items()  # type: ignore[assignment]  # the stubs allow bytes
    if not attributes:
        return False
    is_nil = False
    for name, value in attributes:
        local_name = _local_name(name)
        if local_name == "nil":
            is_nil = is_nil or value.strip() in ("1", "true")
        elif local_name == "type" and name.startswith((_XSI, _OLD_XSI)):
            noted.add(Tolerance.XSI_TYPE)
        elif local_name in _ENCODING_OF_SOAP:
            noted.add(Tolerance.SOAP_ENCODING)
    return is_nil


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]
