"""Finds out for which front a pasted request is, and has it read there. The panel is given this; it knows no front."""

from collections.abc import Sequence

from gatehouse.config import Settings
from gatehouse.fronts.data_contracts import REQUESTS
from gatehouse.fronts.guestmanagement import pasted as guest
from gatehouse.fronts.guestmanagement.routes import CALLS, FOLDER
from gatehouse.fronts.read_requests import Pasted, ReadRequest, Refusal, parse
from gatehouse.fronts.soap import pasted as soap
from gatehouse.fronts.soap.app import ADDRESSES, PATH, SoapFront
from gatehouse.fronts.wcf_json import pasted as json
from gatehouse.fronts.wcf_json.app import METHODS, JsonFront

_SERVICE = PATH.rpartition("/")[2]


class PastedRequests:
    """Reads pasted requests with these fronts."""

    def __init__(self, settings: Settings, soap_front: SoapFront, json_front: JsonFront) -> None:
        """Take the fronts."""
        self._settings, self._soap, self._json = settings, soap_front, json_front
        self.choices: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (
            ("JSON of account.svc", [(f"{PATH}/{name}", name) for name in REQUESTS]),
            ("Guest management", [(f"{FOLDER}{name}.json", name) for name in CALLS]),
        )

    def read(self, text: str, source: str | None, address: str) -> ReadRequest | None:
        """Return what is read of a text, or None where it does not say for which address it is.

        `address` is what it is for where it has no request line of its own.
        """
        pasted = parse(text, source)
        if (
            not pasted.path
            and pasted.begins != "<"
            and address in {each for _, group in self.choices for each, _ in group}
        ):
            pasted.environ["PATH_INFO"] = address
        *_, folder, last = ["", "", *pasted.path.split("/")]
        if folder == _SERVICE and last in METHODS:
            return json.read_pasted(self._json, pasted)
        if folder == FOLDER.strip("/") and last in guest.METHODS:
            return guest.read_pasted(self._settings, pasted)
        if _is_soap(pasted, last):
            return soap.read_pasted(self._soap, pasted)
        return _nowhere() if pasted.path else None


def _is_soap(pasted: Pasted, last: str) -> bool:
    ends = {each.rpartition("/")[2].casefold() for each in ADDRESSES}
    return last in ends if pasted.path else pasted.begins == "<"


def _nowhere() -> ReadRequest:
    text = f"The service has nothing at the address in the first line. SOAP goes to {PATH}, JSON to {PATH}/Login."
    advice = f"Correct the address: its letters may be of any case, but {_SERVICE} and what follows must be there."
    return ReadRequest(protocol="HTTP", refusal=Refusal("The address", "HTTP 404", text, advice))
