"""The page at the bare address, for a person who opened it in a browser."""

from html import escape

from gatehouse.fronts.data_contracts import REQUESTS

HEADERS = [
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("Referrer-Policy", "no-referrer"),
]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Account service</title>
</head>
<body>
<h1>Account service</h1>
<p>This is a SOAP service. To use it, make a client from its description:</p>
<ul>
<li><a href="{address}?wsdl">{address}?wsdl</a></li>
<li><a href="{address}?singleWsdl">{address}?singleWsdl</a> (one file)</li>
</ul>
<h2>Methods</h2>
<dl>
{methods}
</dl>
</body>
</html>
"""


def render(address: str) -> bytes:
    """Return the page with links to the WSDL at this address."""
    methods = "\n".join(
        f"<dt>{method}</dt><dd>{', '.join(members) or 'no members'}</dd>" for method, members in REQUESTS.items()
    )
    return _PAGE.format(address=escape(address), methods=methods).encode()
