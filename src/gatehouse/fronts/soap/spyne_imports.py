"""Makes Spyne 2.14.0 importable on Python 3.12 and newer; import this module before anything of Spyne.

Spyne carries a copy of `six` whose import hook has no `find_spec`, which Python 3.12 asks for, so that the
modules which the hook provides are put in place by hand. (Python 3.13 also lacks `cgi`: package legacy-cgi.)
"""

import collections.abc
import http.cookies
import logging
import sys
import types
import urllib.error
import urllib.parse
import urllib.request

_PROVIDED = {
    "collections_abc": collections.abc,
    "http_cookies": http.cookies,
    "urllib": urllib,
    "urllib.error": urllib.error,
    "urllib.parse": urllib.parse,
    "urllib.request": urllib.request,
}


def prepare() -> None:
    """Provide the modules and quieten the loggers that would write whole requests."""
    if sys.version_info >= (3, 12):
        moves = types.ModuleType("spyne.util.six.moves")
        moves.__path__ = []
        sys.modules.setdefault(moves.__name__, moves)
        for name, module in _PROVIDED.items():
            sys.modules.setdefault(f"{moves.__name__}.{name}", module)
    # Spyne logs requests at DEBUG and invalid ones, with passwords, at ERROR.
    logging.getLogger("spyne").setLevel(logging.WARNING)
    for name in ("spyne.protocol.xml.invalid", "spyne.protocol.soap.soap11.invalid"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


prepare()
