"""Envelopes as toolkits, people and nobody would write them. What comes out is a text; bytes are made of it later."""

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

from gatehouse.fronts.data_contracts import REQUESTS, Blocks, Member
from scripts.fuzzing.draw import Draw
from scripts.fuzzing.known import APPLICATION_HEADER, CREDENTIALS_HEADER, Known

SOAP_11, SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
TARGET, DATA = "http://tempuri.org/", "http://schemas.datacontract.org/2004/07/Gatehouse"
_XSI, _XSD = "http://www.w3.org/2001/XMLSchema-instance", "http://www.w3.org/2001/XMLSchema"

_ADDRESSING = (
    "http://www.w3.org/2005/08/addressing",
    "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "http://schemas.microsoft.com/ws/2005/05/addressing/none",
)
_TYPES = (
    "xsd:string",
    "xsd:int",
    "xsd:boolean",
    "xsd:base64Binary",
    "tns:Account.LoginOptions",
    "soapenc:Array",
    "nope",
)
_UNKNOWN = (
    "multiRef",
    "item",
    "Fault",
    "Login",
    "Envelope",
    "any",
    "_",
    "x.y-z",
    "é",
    "Account.LoginOptions",
    "string",
)


class Envelope:
    """Writes one envelope of one version."""

    def __init__(self, draw: Draw, known: Known, namespace: str) -> None:
        self._draw, self._known, self._namespace = draw, known, namespace
        self._prefix = draw.one(("s", "soap", "soapenv", "SOAP-ENV", "env", "S", "ns0", ""))
        self._quote = draw.one('""\'')
        self.method = draw.one(tuple(REQUESTS))

    def text(self) -> str:
        """Return the document."""
        draw = self._draw
        names = {self._prefix: self._namespace, "xsi": _XSI, "xsd": _XSD, "tns": TARGET, "a": DATA}
        names |= {f"p{n}": f"urn:{n}" for n in range(draw.count(5))}
        declared = "".join(f" {self._declare(prefix, name)}" for prefix, name in draw.shuffled(list(names.items())))
        head = self._header() if draw.chance(0.5) else ""
        style = ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"' if draw.chance(0.05) else ""
        body = f"<{self._soap('Body')}{style}>{self._blank()}{self._calls()}{self._blank()}</{self._soap('Body')}>"
        parts = [head, self._blank(), body]
        if draw.chance(0.03):
            draw.random.shuffle(parts)
        document = f"<{self._soap('Envelope')}{declared}>{''.join(parts)}</{self._soap('Envelope')}>"
        return self._declaration() + document + self._blank()

    def _declaration(self) -> str:
        draw = self._draw
        if draw.chance(0.5):
            return ""
        encoding = draw.one(("utf-8", "UTF-8", "iso-8859-1", "utf-16", "windows-1252", "us-ascii", "koi8-r", "nope"))
        return f'<?xml version="{draw.one(("1.0", "1.0", "1.0", "1.1", "2.0"))}" encoding="{encoding}"?>'

    def _soap(self, name: str) -> str:
        return f"{self._prefix}:{name}" if self._prefix else name

    def _declare(self, prefix: str, name: str) -> str:
        return f"xmlns{':' if prefix else ''}{prefix}={self._quote}{name}{self._quote}"

    def _blank(self) -> str:
        return self._draw.one(("", "", "", "\n", "  ", "\r\n\t", "<!-- c -->", "<?pi x?>"))

    def _header(self) -> str:
        draw, content = self._draw, []
        for name in (APPLICATION_HEADER, CREDENTIALS_HEADER):
            if draw.chance(0.4):
                values = self._known.application_tokens if name == APPLICATION_HEADER else self._known.sessions
                content.append(
                    self._element(draw.case_of(name), self._value(draw.text(values)), self._attributes(True))
                )
        if draw.chance(0.4):
            space = draw.one(_ADDRESSING)
            action = draw.one((f"{TARGET}IAccount/{self.method}", self.method, "", draw.text()))
            for name, value in {"Action": action, "To": draw.text(), "MessageID": f"urn:uuid:{draw.text()}"}.items():
                if draw.chance(0.7):
                    attributes = self._attributes(True) if draw.chance(0.2) else ""
                    content.append(f'<w:{name} xmlns:w="{space}"{attributes}>{self._value(value)}</w:{name}>')
        if draw.chance(0.15):
            content.append(
                self._element("x:Security", self._value(draw.text()), ' xmlns:x="urn:x"' + self._attributes(True))
            )
        return f"<{self._soap('Header')}>{''.join(draw.shuffled(content))}</{self._soap('Header')}>"

    def _calls(self) -> str:
        draw = self._draw
        calls = [self._call() for _ in range(draw.one((1,) * 40 + (0, 2, 3)))]
        return self._blank().join(calls)

    def _call(self) -> str:
        draw = self._draw
        name = draw.case_of(self.method) if draw.chance(0.97) else draw.one((draw.text(), *_UNKNOWN))
        start, end = draw.one(
            (
                (f'{name} xmlns="{TARGET}"', name),
                (f"tns:{name}", f"tns:{name}"),
                (name, name),
                (f'q:{name} xmlns:q="urn:{draw.one(_UNKNOWN)}"', f"q:{name}"),
            )
        )
        if draw.chance(0.03):
            return f'<{start} xsi:nil="{draw.one(("true", "1", "false", "maybe"))}"/>'
        return f"<{start}>{self._members(REQUESTS[self.method], 0)}{self._blank()}</{end}>"

    def _members(self, members: Mapping[str, Member], depth: int) -> str:
        draw, written = self._draw, []
        for name, member in members.items():
            if draw.chance(0.25):
                continue
            for _ in range(draw.one((1,) * 20 + (2, 3))):
                written.append(self._member(name, member, depth))
        for _ in range(draw.count(3)):
            written.append(self._element(draw.one(_UNKNOWN), self._content(draw.text(), depth), self._attributes()))
        return "".join(draw.shuffled(written) if draw.chance(0.3) else written)

    def _member(self, name: str, member: Member, depth: int) -> str:
        draw = self._draw
        prefix = draw.one(("", "", "", "tns:", "a:", "p0:")) if draw.chance(0.5) else ""
        tag = prefix + draw.case_of(name)
        if isinstance(member, Blocks) and draw.chance(0.9):
            blocks = [self._members(member.members, depth + 1) for _ in range(draw.count(3))]
            if draw.chance(0.3):
                return self._element(tag, "".join(blocks), self._attributes())
            item = draw.one(("a:Account.LoginOptions", "item", "Account.LoginOptions", "anyType"))
            return self._element(tag, "".join(self._element(item, each, self._attributes()) for each in blocks), "")
        if draw.chance(0.06):
            return f'<{tag} xsi:nil="{draw.one(("true", "1", "false", ""))}"{self._attributes()}/>'
        return self._element(tag, self._content(draw.text(self._known.values(name)), depth), self._attributes())

    def _content(self, value: str, depth: int) -> str:
        draw = self._draw
        if draw.chance(0.03) and depth < 3:
            return self._value(value) + self._element(draw.one(_UNKNOWN), self._content(draw.text(), depth + 1), "")
        return self._value(value)

    def _value(self, value: str) -> str:
        """Return a text as one of the ways to write it; some of them are not XML."""
        draw = self._draw
        kind = draw.random.random()
        if kind < 0.8:
            return escape(value)
        if kind < 0.87:
            return f"<![CDATA[{value}]]>"
        if kind < 0.93:
            return "".join(f"&#{ord(each)};" if draw.chance(0.5) else f"&#x{ord(each):x};" for each in value)
        if kind < 0.97:
            middle = len(value) // 2
            return escape(value[:middle]) + draw.one(("<!-- -->", "<?x y?>", "<![CDATA[]]>")) + escape(value[middle:])
        return value

    def _attributes(self, is_header: bool = False) -> str:
        draw, written = self._draw, ""
        if is_header and draw.chance(0.4):
            prefix = self._prefix or "s"
            written += f' {prefix}:mustUnderstand="{draw.one(("1", "0", "true", "false", "x"))}"'
            if draw.chance(0.3):
                role = draw.one(("http://schemas.xmlsoap.org/soap/actor/next", "urn:other", f"{SOAP_12}/role/next", ""))
                written += f' {prefix}:{draw.one(("actor", "role"))}="{role}"'
        if draw.chance(0.12):
            written += f' xsi:type="{draw.one(_TYPES)}"'
        if draw.chance(0.03):
            written += draw.one((' id="a"', ' href="#a"', ' xml:space="preserve"', ' xml:lang="de"', ' nil="true"'))
        if draw.chance(0.03):
            written += f" {draw.one(('x', 'username', 'Email', 'a'))}={quoteattr(draw.text())}"
        return written

    def _element(self, tag: str, content: str, attributes: str) -> str:
        return f"<{tag}{attributes}>{content}</{tag}>" if content or self._draw.chance(0.5) else f"<{tag}{attributes}/>"
