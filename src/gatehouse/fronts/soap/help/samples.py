"""The samples: a complete program for each method in each language, as the page shows it and the tests run it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from pygments.lexer import Lexer
from pygments.lexers.dotnet import CSharpLexer
from pygments.lexers.javascript import JavascriptLexer
from pygments.lexers.jvm import JavaLexer
from pygments.lexers.php import PhpLexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.shell import BashLexer
from pygments.token import Token

from gatehouse.fronts.data_contracts import APPLICATION_HEADER, CREDENTIALS_HEADER, REQUESTS, Flag
from gatehouse.fronts.soap.help.methods import (
    APPLICATION_TOKEN,
    CREDENTIALS_TOKEN,
    METHODS,
    PLACEHOLDERS,
    Identification,
    field_of,
)

ADDRESS = "gatehouse-address"
"""Stands in a sample for the address of the service."""


@dataclass(frozen=True)
class Language:
    """A language of the samples: its name for a reader, and the file of `sample_templates/` that they are made from."""

    name: str
    file: str
    lexer: type[Lexer]

    @property
    def key(self) -> str:
        """A word that may stand in an id."""
        return self.file.partition(".")[0]


LANGUAGES = (
    Language("C#", "csharp.cs.jinja", CSharpLexer),
    Language("JavaScript", "javascript.mjs.jinja", JavascriptLexer),
    Language("PHP", "php.php.jinja", PhpLexer),
    Language("Java", "java.java.jinja", JavaLexer),
    Language("Python", "python.py.jinja", PythonLexer),
    Language("curl", "curl.sh.jinja", BashLexer),
)

_HEADERS: Mapping[Identification, Mapping[str, str]] = {
    Identification.APPLICATION_MEMBER: {},
    Identification.APPLICATION_HEADER: {APPLICATION_HEADER: APPLICATION_TOKEN},
    Identification.SESSION: {CREDENTIALS_HEADER: CREDENTIALS_TOKEN},
}

_CLASSES: tuple[tuple[Any, str], ...] = (
    (Token.Keyword, "t-keyword"),
    (Token.Operator.Word, "t-keyword"),
    (Token.Literal.String, "t-text"),
    (Token.Comment, "t-comment"),
    (Token.Literal.Number, "t-number"),
    (Token.Name.Class, "t-name"),
    (Token.Name.Function, "t-name"),
    (Token.Name.Builtin, "t-name"),
    (Token.Name.Tag, "t-name"),
)
"""Which words have a colour, and the class that gives it; help.css knows the classes."""

_PLACEHOLDER = re.compile("|".join(re.escape(escape(each)) for each in PLACEHOLDERS))

# The samples are programs: nothing in them is HTML before they are coloured.
_templates = Environment(
    loader=PackageLoader("gatehouse.fronts.soap.help", "sample_templates"),
    autoescape=False,  # noqa: S701
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    undefined=StrictUndefined,
)


def source(language: Language, method: str, namespace: str) -> str:
    """Return the program, with `ADDRESS` and the placeholders of methods.py in it."""
    described = METHODS[method]
    samples = {name: field_of(method, name).sample for name in REQUESTS[method]}
    return _templates.get_template(language.file).render(
        address=ADDRESS,
        namespace=namespace,
        method=method,
        members={name: value for name, value in samples.items() if value is not None},
        arguments={
            name: False if value is None and isinstance(member, Flag) else value
            for (name, member), value in zip(REQUESTS[method].items(), samples.values(), strict=True)
        },
        headers=_HEADERS[described.identification],
        shows=described.shows,
    )


def coloured(language: Language, program: str) -> str:
    """Return the program as HTML: some words in classes by what they are, and the reader's own values marked."""
    runs = groupby(language.lexer().get_tokens(program), key=lambda token: _class_of(token[0]))
    html = "".join(_span(name, escape("".join(text for _, text in run))) for name, run in runs)
    return _PLACEHOLDER.sub(r"<mark>\g<0></mark>", html)


def _class_of(kind: Any) -> str | None:
    return next((name for group, name in _CLASSES if kind in group), None)


def _span(name: str | None, html: str) -> str:
    return f'<span class="{name}">{html}</span>' if name else html
