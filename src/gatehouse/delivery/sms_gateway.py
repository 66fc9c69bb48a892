"""The channel to a gateway for SMS, by any URL that Apprise knows."""

import logging
from urllib.parse import quote

import apprise

from gatehouse.config import RECIPIENT_PLACEHOLDER, SmsGateway
from gatehouse.delivery.channels import DeliveryError
from gatehouse.delivery.templates import RenderedMessage

_SAMPLE_NUMBER = "+12015550123"

# Apprise logs the URL and the text of what it could not send; urllib3 logs addresses, in which keys may be.
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
logging.getLogger("urllib3").setLevel(logging.WARNING)


class SmsGatewayChannel:
    """Hands SMS to a gateway. Apprise says only whether that went well, so that no refusal is for good."""

    def __init__(self, gateway: SmsGateway) -> None:
        """Take the gateway."""
        self._gateway = gateway
        self._asset = apprise.AppriseAsset(
            app_id="Gatehouse", async_mode=False, storage_mode=apprise.PersistentStoreMode.MEMORY
        )

    def deliver(self, message: RenderedMessage) -> None:
        """Hand the SMS over. Raises DeliveryError."""
        service = self._service(message.recipient)
        try:
            is_taken = bool(service.notify(body=message.text.strip(), title="", body_format=apprise.NotifyFormat.TEXT))
        except Exception as error:
            # A plugin may raise anything; its text may hold the URL, the number or the code.
            raise DeliveryError(f"the SMS gateway failed ({type(error).__name__})") from None
        if not is_taken:
            raise DeliveryError("the SMS gateway did not take it")

    def check(self) -> None:
        """Look whether Apprise knows the URL; no gateway can be asked more without an SMS. Raises DeliveryError."""
        self._service(_SAMPLE_NUMBER)

    def interrupt(self) -> None:
        """Nothing to do: Apprise waits four seconds for an answer, or as long as `?rto=` in the URL says."""

    def close(self) -> None:
        """Nothing is kept open."""

    def _service(self, recipient: str) -> apprise.NotifyBase:
        url = self._gateway.url.replace(RECIPIENT_PLACEHOLDER, quote(recipient, safe=""))
        try:
            service = apprise.Apprise.instantiate(url, asset=self._asset, suppress_exceptions=True)
        except Exception as error:
            raise DeliveryError(f"GATEHOUSE_SMS_URL cannot be used ({type(error).__name__})") from None
        if service is None:
            raise DeliveryError("GATEHOUSE_SMS_URL is no URL that Apprise knows, or lacks a part")
        return service
