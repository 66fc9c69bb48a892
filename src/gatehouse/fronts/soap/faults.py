"""The faults of the protocol, in the shape in which WCF sends them. A business outcome is never one of these."""

from enum import Enum
from http import HTTPStatus
from xml.sax.saxutils import escape, quoteattr

from gatehouse.fronts.soap.versions import SoapVersion

_ADDRESSING_NONE = "http://schemas.microsoft.com/ws/2005/05/addressing/none"
_DISPATCHER = "http://schemas.microsoft.com/net/2005/12/windowscommunicationfoundation/dispatcher"

_CODES_12 = {
    "s:Client": ("s:Sender", "a:DeserializationFailed", _DISPATCHER),
    "s:Server": ("s:Receiver", "a:InternalServiceFault", _DISPATCHER),
}
"""What SOAP 1.2 has for two codes of 1.1: its own code, WCF's subcode below it, and the namespace of that."""


class Fault(Enum):
    """A fault: its SOAP 1.1 code, its text, and its HTTP status. No text ever holds anything that was sent.

    A code with the prefix `a` is of WCF's addressing namespace. Source: contract, Faults.
    """

    NOT_XML = ("s:Client", "The request is not well-formed XML.")
    DOCTYPE = ("s:Client", "A document type declaration is not allowed in a SOAP message.")
    TOO_DEEP = ("s:Client", "The elements of the request are nested too deep.")
    TOO_WIDE = ("s:Client", "The request has too many elements and attributes.")
    TOO_LARGE = ("s:Client", "The request is too large.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    NOT_SOAP = (
        "s:Client",
        "The media type of the request is not that of a SOAP message.",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    )
    INCOMPLETE = ("s:Client", "The request ended before it was complete.", HTTPStatus.BAD_REQUEST)
    NO_BODY = ("s:Client", "The envelope has no body.")
    VERSION_MISMATCH = ("s:VersionMismatch", "The envelope is not of the SOAP version of its media type.")
    NOT_UNDERSTOOD = ("s:MustUnderstand", "A header that must be understood is not understood.")
    ACTION_NOT_SUPPORTED = (
        "a:ActionNotSupported",
        "The message cannot be processed at the receiver, because its action and its body do not name one "
        "operation of this contract.",
    )
    INTERNAL = ("s:Server", "The server was unable to process the request due to an internal error.")

    def __init__(self, code: str, text: str, status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR) -> None:
        self.code, self.text, self.status = code, text, status


class SoapFault(Exception):
    """Raised while a request is read; the front answers with its fault.

    `header` is the qualified name of the header that was not understood, which SOAP 1.2 wants to be told.
    """

    def __init__(self, fault: Fault, header: tuple[str, str] | None = None) -> None:
        super().__init__(fault.name)
        self.fault, self.header = fault, header


def status_of(fault: Fault, version: SoapVersion) -> HTTPStatus:
    """Return the HTTP status: that of a sender's fault is 400 in SOAP 1.2. Source: SOAP 1.2 part 2, 7.5.2.2."""
    is_senders = _codes_12(fault)[0] == "s:Sender"
    if version is SoapVersion.SOAP_12 and is_senders and fault.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return HTTPStatus.BAD_REQUEST
    return fault.status


def render(error: SoapFault, version: SoapVersion) -> bytes:
    """Return the fault as an envelope of this version."""
    fault = error.fault
    detail = _fault_11(fault) if version is SoapVersion.SOAP_11 else _fault_12(fault)
    header = "" if version is SoapVersion.SOAP_11 else _header_12(error)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{version.namespace}">{header}<s:Body><s:Fault>{detail}</s:Fault></s:Body></s:Envelope>'
    ).encode()


def _fault_11(fault: Fault) -> str:
    declared = f' xmlns:a="{_ADDRESSING_NONE}"' if fault.code.startswith("a:") else ""
    return (
        f'<faultcode{declared}>{fault.code}</faultcode><faultstring xml:lang="en-US">{escape(fault.text)}</faultstring>'
    )


def _fault_12(fault: Fault) -> str:
    code, subcode, namespace = _codes_12(fault)
    below = f'<s:Subcode><s:Value xmlns:a="{namespace}">{subcode}</s:Value></s:Subcode>' if subcode else ""
    return (
        f"<s:Code><s:Value>{code}</s:Value>{below}</s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{escape(fault.text)}</s:Text></s:Reason>'
    )


def _codes_12(fault: Fault) -> tuple[str, str | None, str | None]:
    """Return code, subcode and the subcode's namespace: 1.2 puts every code that is not its own below one that is."""
    if fault.code.startswith("a:"):
        return "s:Sender", fault.code, _ADDRESSING_NONE
    return _CODES_12.get(fault.code, (fault.code, None, None))


def _header_12(error: SoapFault) -> str:
    """Return what SOAP 1.2 wants beside two of its faults. Source: SOAP 1.2 part 1, 5.4.7 and 5.4.8."""
    if error.fault is Fault.NOT_UNDERSTOOD and error.header:
        namespace, name = error.header
        qname = f"h:{name}" if namespace else name
        declared = f" xmlns:h={quoteattr(namespace)}" if namespace else ""
        return f"<s:Header><s:NotUnderstood qname={quoteattr(qname)}{declared}/></s:Header>"
    if error.fault is Fault.VERSION_MISMATCH:
        supported = "".join(
            f'<s:SupportedEnvelope qname="e:Envelope" xmlns:e="{version.namespace}"/>'
            for version in (SoapVersion.SOAP_12, SoapVersion.SOAP_11)
        )
        return f"<s:Header><s:Upgrade>{supported}</s:Upgrade></s:Header>"
    return ""
