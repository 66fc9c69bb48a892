"""Writes what Gatehouse is made of as a CycloneDX 1.6 document: every locked package, its hashes, licence and needs.

The packages and hashes are those of scripts/requirements.txt; licences and needs those of what is installed here.
"""

import json
import sys
import tomllib
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib import metadata

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from locked import ROOT, RUN_TIME, Package, canonical, read_locked
from packageurl import PackageURL
from packaging.requirements import Requirement


def main() -> int:
    """Print the document. The exit status is 1 when it is not what its schema asks for."""
    document = JsonV1Dot6(_bom()).output_as_string(indent=2)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(document):
        print(f"the document is not valid: {error}", file=sys.stderr)
        return 1
    print(json.dumps(json.loads(document), indent=2, sort_keys=True))
    return 0


def _bom() -> Bom:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = Component(
        name=project["name"],
        version=metadata.version(project["name"]),
        type=ComponentType.APPLICATION,
        description=project["description"],
        licenses=[LicenseFactory().make_from_string(project["license"])],
        bom_ref=project["name"],
    )
    packages = list(read_locked())
    # A package may be locked in several versions, for several versions of Python.
    components: dict[str, list[Component]] = {}
    for package in packages:
        components.setdefault(package.name, []).append(_component(package))
    every = [component for versions in components.values() for component in versions]
    # The same packages have the same number, so that two documents can be compared.
    bom = Bom(components=every, serial_number=uuid.uuid5(uuid.NAMESPACE_URL, RUN_TIME.read_text()))
    bom.metadata.component = root
    asked = [Requirement(each) for each in project["dependencies"]]
    bom.register_dependency(root, _needed(asked, components))
    extras = {canonical(each.name): each.extras for each in asked}
    for name, versions in components.items():
        try:
            needs = [Requirement(each) for each in metadata.requires(name) or []]
        except metadata.PackageNotFoundError:
            needs = []  # It is for another version of Python.
        for component in versions:
            bom.register_dependency(component, _needed(needs, components, extras.get(name, set())))
    return bom


def _component(package: Package) -> Component:
    url = PackageURL("pypi", name=package.name, version=package.version)
    licence = _licence(package.name)
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.hashes],
        licenses=[LicenseFactory().make_from_string(licence)] if licence else (),
    )


def _licence(name: str) -> str | None:
    """Return what a package says of its licence, in the shortest of the forms in which packages say it."""
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    classifiers = [each for each in found.get_all("Classifier", []) if each.startswith("License :: ")]
    said = found.get("License-Expression") or found.get("License")
    if said and "\n" not in said:
        return said
    return classifiers[0].rpartition(" :: ")[2] if classifiers else None


def _needed(
    requirements: Iterable[Requirement], components: Mapping[str, Sequence[Component]], extras: Collection[str] = ()
) -> Iterator[Component]:
    """Give the components that are asked for, with these extras, here or on another machine that is supported."""
    for each in requirements:
        marker = str(each.marker or "")
        is_asked = "extra ==" not in marker or any(f'extra == "{extra}"' in marker for extra in extras)
        if is_asked and canonical(each.name) in components:
            yield from components[canonical(each.name)]


if __name__ == "__main__":
    sys.exit(main())
