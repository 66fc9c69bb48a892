"""What is put up with in a request that the description of the service does not foresee."""

from enum import StrEnum


class Tolerance(StrEnum):
    """One kind of oddity of a request that was answered all the same. The value is how it is kept and shown.

    Source: contract, Methods and JSON of the same service; what clients of many makes send.
    """

    OTHER_CASE = "other_case"
    """A method or member in other letters, as `EMAIL`."""

    OTHER_ORDER = "other_order"
    """Members in another order than the description's."""

    OTHER_NAMESPACE = "other_namespace"
    """A method or member of another namespace than the description's, or of none."""

    UNKNOWN_MEMBER = "unknown_member"
    """A member that the method does not have."""

    REPEATED_MEMBER = "repeated_member"
    """A member twice in one place."""

    SINGLE_BLOCK = "single_block"
    """Options of Login as one block, where the description has an array of them."""

    OTHER_ITEM_NAME = "other_item_name"
    """A block in the array of options that is not called as its type, as `item`."""

    ODD_NIL = "odd_nil"
    """A null where the description has none: for the whole call, for a boolean, or beside a value."""

    XSI_TYPE = "xsi_type"
    """Types on the members, as clients of the rpc style send them."""

    SOAP_ENCODING = "soap_encoding"
    """An encoding style or a reference to another element, as clients of the rpc style send them."""

    CDATA = "cdata"
    COMMENT = "comment"
    NUMBER_FOR_TEXT = "number_for_text"
    """In JSON, a number or a boolean where a text is expected."""

    ACTION_MISSING = "action_missing"
    """A call over SOAP 1.1 without SOAPAction, or with an empty one."""

    BARE_ACTION = "bare_action"
    """An action that is the method's name alone, or in other letters."""

    ADDRESSING_BESIDE_SOAP_11 = "addressing_beside_soap_11"
    """Addressing headers in an envelope of SOAP 1.1, whose binding has none."""

    BYTE_ORDER_MARK = "byte_order_mark"
    UTF_16 = "utf_16"
    LATIN_1 = "latin_1"
    """ISO-8859-1 or windows-1252."""

    OTHER_CHARSET = "other_charset"
    ODD_CHARSET = "odd_charset"
    """A charset spelled as no register has it, such as `utf8`, or contradicted by the bytes."""

    ODD_MEDIA_TYPE = "odd_media_type"
    """A media type that is written wrongly, or a near relation of the right one."""

    GZIP = "gzip"
    DEFLATE = "deflate"
    SOAP_SUFFIX = "soap_suffix"
    """A call to the address with `/soap` or `/basic` behind it."""
