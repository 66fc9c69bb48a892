"""The faults of the protocol, in the shape in which WCF sends them. A business outcome is never one of these."""

from enum import Enum
from http import HTTPStatus
from xml.sax.saxutils import escape

ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"

_ADDRESSING_NONE = "http://schemas.microsoft.com/ws/2005/05/addressing/none"


class Fault(Enum):
    """A fault: its SOAP 1.1 code, its text, and the HTTP status. No text ever holds anything that was sent.

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
    VERSION_MISMATCH = ("s:VersionMismatch", "The envelope is not of the SOAP version that is answered here.")
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
    """Raised while a request is read; the front answers with its fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.name)
        self.fault = fault


def render(fault: Fault) -> bytes:
    """Return the fault as a SOAP 1.1 envelope."""
    addressing = f' xmlns:a="{_ADDRESSING_NONE}"' if fault.code.startswith("a:") else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="{ENVELOPE_11}"><s:Body><s:Fault>'
        f"<faultcode{addressing}>{fault.code}</faultcode>"
        f'<faultstring xml:lang="en-US">{escape(fault.text)}</faultstring>'
        "</s:Fault></s:Body></s:Envelope>"
    ).encode()
