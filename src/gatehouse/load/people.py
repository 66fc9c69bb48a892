"""Who calls: accounts of a service with their passwords."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gatehouse.domain.errors import AdministrationError

COLUMNS = ("email", "password")
OPTIONAL_COLUMNS = ("userrole", "token")


@dataclass(frozen=True)
class Person:
    """An account, and the application that its owner calls with."""

    email: str
    password: str
    token: str
    role: str = "15"


def read_people(path: Path, token: str | None) -> Sequence[Person]:
    """Return those of a CSV file with the columns email and password, and perhaps userrole and token.

    `token` is the application's for lines without one. Raises AdministrationError.
    """
    people: list[Person] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = reader.fieldnames or []
        if not set(COLUMNS) <= set(names) <= {*COLUMNS, *OPTIONAL_COLUMNS}:
            raise AdministrationError(
                "the first line of the file must name the columns email and password, and may name userrole and token"
            )
        for row in reader:
            own_token = row.get("token") or token
            if not row["email"] or not row["password"]:
                raise AdministrationError(f"line {reader.line_num} of the file has no email, or no password")
            if own_token is None:
                raise AdministrationError(f"line {reader.line_num} of the file has no token, and --token is not given")
            people.append(Person(row["email"], row["password"], own_token, row.get("userrole") or "15"))
    if not people:
        raise AdministrationError("the file has no line with a person")
    return people
