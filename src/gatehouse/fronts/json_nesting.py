"""How deep a JSON text is nested, told before a parser goes down into it."""

import re

# The quantifiers give nothing back, so that no body makes this slow.
_BRACKET_OR_STRING = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)


def nesting(text: str) -> int:
    """Return how many brackets are open at the deepest place; the text need not be JSON."""
    depth = deepest = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        match found[0][0]:
            case "[" | "{":
                depth += 1
                deepest = max(deepest, depth)
            case "]" | "}":
                depth -= 1
    return deepest
