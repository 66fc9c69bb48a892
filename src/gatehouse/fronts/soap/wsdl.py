"""The service's description: written to `wsdl/` from the Spyne application, and served from there byte by byte.

The files are the contract. What is served differs from them in the address and, where an operator set
others, in the two namespaces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from gatehouse.fronts.soap import spyne_imports  # noqa: F401  # isort: skip  # before anything of Spyne
from lxml import etree
from spyne import Application, Array, Boolean, DateTime, Integer32, Unicode

from gatehouse.fronts.soap.protocol import TARGET_NAMESPACE
from gatehouse.fronts.soap.types import DATA_NAMESPACE

FOLDER = Path(__file__).parent / "documents"
"""The folder `wsdl/` of the project, by a link, so that it is part of the installed package as well."""

ADDRESS = "http://localhost:8080/v2/account.svc"
"""The address that stands in the files; each answer has the caller's own instead."""

_FILES = {
    ("wsdl", ""): "account.wsdl",
    ("singlewsdl", ""): "account.single.wsdl",
    ("wsdl", "soap12"): "account.soap12.wsdl",
    ("singlewsdl", "soap12"): "account.soap12.single.wsdl",
}
"""The files by what a query asks for and by the binding that it names; none is SOAP 1.1."""
_SCHEMA_FILES = {"xsd0": "xsd0.xsd", "xsd1": "xsd1.xsd", "xsd2": "xsd2.xsd"}

QUERIES = frozenset({"wsdl", "singlewsdl", "xsd"})
"""The names in a query that ask for a document."""

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_WSAW = "http://www.w3.org/2006/05/addressing/wsdl"
_XS = "http://www.w3.org/2001/XMLSchema"
_SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"

_PORT_TYPE, _SERVICE = "IAccount", "Account"
_PREFIXES = {"xs": _XS, "tns": TARGET_NAMESPACE, "q1": DATA_NAMESPACE}
_SIMPLE = ((Unicode, "string"), (Boolean, "boolean"), (Integer32, "int"), (DateTime, "dateTime"))


@dataclass(frozen=True)
class _Binding:
    """How a version of SOAP is described: the name of its binding and port, and the namespace of its elements."""

    name: str
    prefix: str
    namespace: str


_BINDING_11 = _Binding("BasicHttpBinding_IAccount", "soap", "http://schemas.xmlsoap.org/wsdl/soap/")
_BINDING_12 = _Binding("WSHttpBinding_IAccount", "soap12", "http://schemas.xmlsoap.org/wsdl/soap12/")

# What every WCF service describes beside its own types, of which proxies of .NET know the meaning.
_SERIALIZATION_ELEMENTS = (
    "anyType",
    "anyURI",
    "base64Binary",
    "boolean",
    "byte",
    "dateTime",
    "decimal",
    "double",
    "float",
    "int",
    "long",
    "QName",
    "short",
    "string",
    "unsignedByte",
    "unsignedInt",
    "unsignedLong",
    "unsignedShort",
)


class Documents:
    """The files of `wsdl/`, read once, and what an address or a namespace has to become in them."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        """Read the files. `namespaces` maps those of the contract to those that are set."""
        files = _FILES | {("xsd", name): file for name, file in _SCHEMA_FILES.items()}
        self._documents = {name: (FOLDER / file).read_text("utf-8") for name, file in files.items()}
        for before, after in namespaces.items():
            if before != after:
                self._documents = {name: text.replace(before, escape(after)) for name, text in self._documents.items()}

    def find(self, query: Mapping[str, str], address: str) -> bytes | None:
        """Return the document that a query (names and values in small letters) asks for, or None."""
        name = next(name for name in ("singlewsdl", "wsdl", "xsd") if name in query)
        text = self._documents.get((name, query["xsd"] if name == "xsd" else query.get("binding", "")))
        return text.replace(ADDRESS, escape(address, {'"': "&quot;"})).encode() if text else None


def write_documents(application: Application, folder: Path) -> list[Path]:
    """Write every file of the description to the folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, content in build_documents(application).items():
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    return paths


def build_documents(application: Application) -> dict[str, bytes]:
    """Return the files of the description by name, made from the types and methods of the application."""
    documents = dict(zip(_SCHEMA_FILES.values(), _schemas(application), strict=True))
    for (name, version), file in _FILES.items():
        schemas = _schemas(application) if name == "singlewsdl" else [_imports(documents)]
        documents[file] = _definitions(application, schemas, _BINDING_12 if version else _BINDING_11)
    return {name: _bytes(document) for name, document in documents.items()}


def _schemas(application: Application) -> list[etree._Element]:
    return [_messages_schema(application), _serialization_schema(), _data_schema(application)]


def _imports(documents: Mapping[str, etree._Element]) -> etree._Element:
    """Return the schema that names those of `?xsd=`."""
    imports = _schema(f"{TARGET_NAMESPACE}Imports")
    for name, file in _SCHEMA_FILES.items():
        namespace = documents[file].get("targetNamespace", "")
        attributes = {"schemaLocation": f"{ADDRESS}?xsd={name}", "namespace": namespace}
        etree.SubElement(imports, f"{{{_XS}}}import", attributes)
    return imports


def _bytes(document: etree._Element) -> bytes:
    etree.indent(document)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + etree.tostring(document, encoding="utf-8") + b"\n"


def _methods(application: Application) -> list[Any]:
    (service,) = application.services
    return list(service.public_methods.values())


def _schema(namespace: str) -> etree._Element:
    attributes = {"targetNamespace": namespace}
    if namespace in _PREFIXES.values():
        attributes["elementFormDefault"] = "qualified"
    return etree.Element(f"{{{_XS}}}schema", attributes, nsmap=_PREFIXES)


def _messages_schema(application: Application) -> etree._Element:
    """Return the elements of requests and replies, each with its anonymous type."""
    schema = _schema(TARGET_NAMESPACE)
    etree.SubElement(schema, f"{{{_XS}}}import", {"namespace": DATA_NAMESPACE})
    for method in _methods(application):
        _wrapper(schema, method.name, method.in_message._type_info)
        _wrapper(schema, f"{method.name}Response", method.out_message._type_info)
    return schema


def _wrapper(schema: etree._Element, name: str, members: Mapping[str, Any]) -> None:
    element = etree.SubElement(schema, f"{{{_XS}}}element", {"name": name})
    _sequence(etree.SubElement(element, f"{{{_XS}}}complexType"), members)


def _data_schema(application: Application) -> etree._Element:
    """Return the data contracts: what results and options are made of."""
    schema = _schema(DATA_NAMESPACE)
    found: dict[str, Any] = {}
    for method in _methods(application):
        for member in [*method.in_message._type_info.values(), *method.out_message._type_info.values()]:
            _collect(member, found)
    for name, model in found.items():
        complex_type = etree.SubElement(schema, f"{{{_XS}}}complexType", {"name": name})
        base, members = model.__extends__, dict(model._type_info)
        if base is not None:
            content = etree.SubElement(complex_type, f"{{{_XS}}}complexContent")
            complex_type = etree.SubElement(content, f"{{{_XS}}}extension", {"base": _type_name(base)})
            members = {name: kind for name, kind in members.items() if name not in base._type_info}
        _sequence(complex_type, members, is_array=issubclass(model, Array))
        etree.SubElement(schema, f"{{{_XS}}}element", {"name": name, "nillable": "true", "type": _type_name(model)})
    return schema


def _collect(model: Any, found: dict[str, Any]) -> None:
    """Put a complex type and those that it needs into `found`, bases and items first."""
    if any(issubclass(model, simple) for simple, _ in _SIMPLE):
        return
    if model.__extends__ is not None:
        _collect(model.__extends__, found)
    for member in model._type_info.values():
        _collect(member, found)
    found.setdefault(model.get_type_name(), model)


def _sequence(parent: etree._Element, members: Mapping[str, Any], is_array: bool = False) -> None:
    sequence = etree.SubElement(parent, f"{{{_XS}}}sequence")
    for name, model in members.items():
        attributes = {"minOccurs": "0"}
        if is_array:
            attributes["maxOccurs"] = "unbounded"
            name = model.get_type_name()
        attributes["name"] = name
        if model.Attributes.nillable:
            attributes["nillable"] = "true"
        attributes["type"] = _type_name(model)
        etree.SubElement(sequence, f"{{{_XS}}}element", attributes)


def _type_name(model: Any) -> str:
    for simple, name in _SIMPLE:
        if issubclass(model, simple):
            return f"xs:{name}"
    return f"q1:{model.get_type_name()}"


def _serialization_schema() -> etree._Element:
    schema = etree.Element(
        f"{{{_XS}}}schema",
        {
            "attributeFormDefault": "qualified",
            "elementFormDefault": "qualified",
            "targetNamespace": _SERIALIZATION,
        },
        nsmap={"xs": _XS, "tns": _SERIALIZATION},
    )
    for name in _SERIALIZATION_ELEMENTS:
        _nillable_element(schema, name, f"xs:{name}")
    for name, base, facets in (
        ("char", "int", {}),
        (
            "duration",
            "duration",
            {
                "pattern": r"\-?P(\d*D)?(T(\d*H)?(\d*M)?(\d*(\.\d*)?S)?)?",
                "minInclusive": "-P10675199DT2H48M5.4775808S",
                "maxInclusive": "P10675199DT2H48M5.4775807S",
            },
        ),
        ("guid", "string", {"pattern": r"[\da-fA-F]{8}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{12}"}),
    ):
        _nillable_element(schema, name, f"tns:{name}")
        simple_type = etree.SubElement(schema, f"{{{_XS}}}simpleType", {"name": name})
        restriction = etree.SubElement(simple_type, f"{{{_XS}}}restriction", {"base": f"xs:{base}"})
        for facet, value in facets.items():
            etree.SubElement(restriction, f"{{{_XS}}}{facet}", {"value": value})
    for name, kind in (("FactoryType", "xs:QName"), ("Id", "xs:ID"), ("Ref", "xs:IDREF")):
        etree.SubElement(schema, f"{{{_XS}}}attribute", {"name": name, "type": kind})
    return schema


def _nillable_element(schema: etree._Element, name: str, kind: str) -> None:
    etree.SubElement(schema, f"{{{_XS}}}element", {"name": name, "nillable": "true", "type": kind})


def _definitions(application: Application, schemas: list[etree._Element], binding: _Binding) -> etree._Element:
    root = etree.Element(
        f"{{{_WSDL}}}definitions",
        {"name": _SERVICE, "targetNamespace": TARGET_NAMESPACE},
        nsmap={"wsdl": _WSDL, binding.prefix: binding.namespace, "wsaw": _WSAW, "xs": _XS, "tns": TARGET_NAMESPACE},
    )
    types = _wsdl(root, "types")
    types.extend(schemas)
    names = [method.name for method in _methods(application)]
    directions = (("Input", ""), ("Output", "Response"))
    for name in names:
        for direction, suffix in directions:
            message = _wsdl(root, "message", name=f"{_PORT_TYPE}_{name}_{direction}Message")
            _wsdl(message, "part", name="parameters", element=f"tns:{name}{suffix}")
    port_type = _wsdl(root, "portType", name=_PORT_TYPE)
    for name in names:
        operation = _wsdl(port_type, "operation", name=name)
        for direction, suffix in directions:
            part = _wsdl(operation, direction.lower())
            part.set(f"{{{_WSAW}}}Action", f"{TARGET_NAMESPACE}{_PORT_TYPE}/{name}{suffix}")
            part.set("message", f"tns:{_PORT_TYPE}_{name}_{direction}Message")
    element = _wsdl(root, "binding", name=binding.name, type=f"tns:{_PORT_TYPE}")
    _soap(element, binding, "binding", transport="http://schemas.xmlsoap.org/soap/http")
    for name in names:
        operation = _wsdl(element, "operation", name=name)
        _soap(operation, binding, "operation", soapAction=f"{TARGET_NAMESPACE}{_PORT_TYPE}/{name}", style="document")
        for direction, _ in directions:
            _soap(_wsdl(operation, direction.lower()), binding, "body", use="literal")
    service = _wsdl(root, "service", name=_SERVICE)
    port = _wsdl(service, "port", name=binding.name, binding=f"tns:{binding.name}")
    _soap(port, binding, "address", location=ADDRESS)
    return root


def _wsdl(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{_WSDL}}}{tag}", attributes)


def _soap(parent: etree._Element, binding: _Binding, tag: str, **attributes: str) -> None:
    etree.SubElement(parent, f"{{{binding.namespace}}}{tag}", attributes)
