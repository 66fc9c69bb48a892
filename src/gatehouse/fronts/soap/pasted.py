"""A pasted SOAP request, read by the front itself; instead of a fault, what the fault would be and why."""

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO

from gatehouse.domain.tolerances import Tolerance
from gatehouse.fronts import http
from gatehouse.fronts.media_types import MediaType, read_media_type
from gatehouse.fronts.pasted_account_calls import read_account_call
from gatehouse.fronts.read_requests import Pasted, ReadRequest, Refusal
from gatehouse.fronts.soap import faults
from gatehouse.fronts.soap.app import ADDRESSES, PATH, SoapFront
from gatehouse.fronts.soap.faults import Fault, SoapFault
from gatehouse.fronts.soap.versions import BY_MEDIA_TYPE, SoapVersion

_PROTOCOLS = {SoapVersion.SOAP_11: "SOAP 1.1", SoapVersion.SOAP_12: "SOAP 1.2"}

_SHOWN_NAME = 200
"""Characters of a header's name that are shown."""

_ADVICE: Mapping[Fault, tuple[str, str]] = {
    Fault.NOT_XML: (
        "What came is not well-formed XML: cut off, with an element that is not closed, a bare & or <, or bytes that "
        "are none of its charset.",
        "Make the envelope with a library of XML, and send it in the charset that it names.",
    ),
    Fault.DOCTYPE: ("The envelope has a DOCTYPE, which SOAP does not allow.", "Leave the DOCTYPE out."),
    Fault.TOO_DEEP: (
        "Its elements are nested deeper than GATEHOUSE_SOAP_MAX_DEPTH allows.",
        "Send the members directly inside of the method's element.",
    ),
    Fault.TOO_WIDE: (
        "It has more elements and attributes than GATEHOUSE_SOAP_MAX_NODES allows.",
        "Send only the members that the method has.",
    ),
    Fault.TOO_LARGE: (
        "The body is larger than GATEHOUSE_SOAP_MAX_BYTES allows.",
        "Send only the members that the method has.",
    ),
    Fault.NOT_SOAP: (
        "Its Content-Type is none of SOAP, or names a charset that nobody knows.",
        "Send Content-Type: text/xml; charset=utf-8 for SOAP 1.1, or application/soap+xml; charset=utf-8 for SOAP 1.2.",
    ),
    Fault.INCOMPLETE: ("The body ended before it was complete.", "Send as many bytes as Content-Length says."),
    Fault.NO_BODY: (
        "The envelope has no Body, or one of another namespace.",
        "Put the method's element into a Body of the envelope's own namespace.",
    ),
    Fault.VERSION_MISMATCH: (
        "The outermost element is no Envelope of the SOAP version that the Content-Type says.",
        "text/xml goes with the envelope of SOAP 1.1, application/soap+xml with that of SOAP 1.2.",
    ),
    Fault.NOT_UNDERSTOOD: (
        "A header of the envelope must be understood (mustUnderstand), and the service does not know it.",
        "Switch off what adds the header, such as WS-Security: the service has a basicHttpBinding without security.",
    ),
    Fault.ACTION_NOT_SUPPORTED: (
        "The body does not hold exactly one element that is a method of the service, or the action names another one.",
        "Send one method in the body, and its own action in SOAPAction, or in SOAP 1.2 in the Content-Type: "
        "http://tempuri.org/IAccount/Login for Login.",
    ),
    Fault.INTERNAL: ("Something broke in the service.", "Look for the id of the request in the log."),
}


def read_pasted(front: SoapFront, pasted: Pasted) -> ReadRequest:
    """Return what the front reads of a pasted request."""
    environ, notes = pasted.environ, []
    environ["PATH_INFO"] = environ["PATH_INFO"] or PATH
    if "CONTENT_TYPE" not in environ:
        shown = SoapVersion.SOAP_12 if _is_of(pasted, SoapVersion.SOAP_12) else SoapVersion.SOAP_11
        environ["CONTENT_TYPE"] = shown.media_type
        notes.append(f"No Content-Type was pasted. It is taken for {shown.media_type}, as the envelope is.")
    if pasted.path not in ADDRESSES:
        notes.append(f"The address in the first line is another than {PATH}. It works where a proxy maps it.")
    media = read_media_type(environ["CONTENT_TYPE"])
    version = BY_MEDIA_TYPE.get(media.name)
    protocol = _PROTOCOLS[version] if version else "SOAP"
    try:
        if version is None or not media.is_readable:
            raise SoapFault(Fault.NOT_SOAP)
        call, _ = front.read(environ, media, version, http.new_request_id())
    except SoapFault as error:
        refusal = _refusal(error, version or SoapVersion.SOAP_11)
        if error.fault is Fault.ACTION_NOT_SUPPORTED and version is not None:
            refusal = replace(refusal, text=_which_of_both(front, pasted, media, version))
        return ReadRequest(protocol=protocol, notes=notes, refusal=refusal)
    if not pasted.has_headers:
        notes.append("No HTTP headers were pasted. A token or cookie that the call had there is not seen here.")
        # Whether there was one, nobody can tell.
        call = replace(call, tolerances={*call.tolerances} - {Tolerance.ACTION_MISSING})
    return read_account_call(protocol, call, pasted, notes)


def _which_of_both(front: SoapFront, pasted: Pasted, media: MediaType, version: SoapVersion) -> str:
    """Return whether it is the action that is wrong or the body: without an action, a good body is read."""
    environ = {name: value for name, value in pasted.environ.items() if name != "HTTP_SOAPACTION"}
    environ["wsgi.input"] = BytesIO(environ["gatehouse.body"])
    try:
        call, _ = front.read(environ, replace(media, parameters={}), version, http.new_request_id())
    except SoapFault:
        return "The body does not hold exactly one element that is a method of the service."
    return f"The body asks for {call.method}, and the action names another method, or none that there is."


def _is_of(pasted: Pasted, version: SoapVersion) -> bool:
    body: bytes = pasted.environ["gatehouse.body"]
    return version.namespace.encode() in body.replace(b"\0", b"")


def _refusal(error: SoapFault, version: SoapVersion) -> Refusal:
    fault, status = error.fault, faults.status_of(error.fault, version)
    text, advice = _ADVICE[fault]
    if error.header:
        text = f"{text} It is {error.header[1][:_SHOWN_NAME]} of {error.header[0][:_SHOWN_NAME] or 'no namespace'}."
    answer = f"The SOAP fault {fault.code} with HTTP {status.value}: {fault.text}"
    return Refusal("The envelope", answer, text, advice)
