"""Channels: the ways in which a rendered message leaves this service, chosen by the settings."""

from pathlib import Path
from typing import Protocol

from gatehouse.config import MailServer, Settings
from gatehouse.delivery.templates import RenderedMessage
from gatehouse.domain.messages import Medium


class DeliveryError(Exception):
    """A message could not be handed over now and may be tried again. The text holds no value of the message."""


class PermanentDeliveryError(DeliveryError):
    """A message was refused for good: to try it again would be refused again."""


class Channel(Protocol):
    """A way to people, used by one thread."""

    def deliver(self, message: RenderedMessage) -> None:
        """Hand the message over for good. Raises DeliveryError, or PermanentDeliveryError."""
        ...

    def check(self) -> None:
        """Do all that a delivery does but deliver. Raises DeliveryError."""
        ...

    def interrupt(self) -> None:
        """Make a delivery fail that hangs; called by another thread."""
        ...

    def close(self) -> None:
        """Let go of what is kept open between deliveries; the next one opens it again."""
        ...


def open_channel(medium: Medium, settings: Settings) -> Channel:
    """Return a channel of this medium. Nothing is connected yet."""
    # Imported here, because most of what a channel needs only this channel needs.
    if medium is Medium.MAIL:
        if isinstance(settings.mail_url, MailServer):
            from gatehouse.delivery.smtp import SmtpChannel

            return SmtpChannel(settings.mail_url, settings.mail_from)
        from gatehouse.delivery.folders import MailFolder

        return MailFolder(settings.mail_url, settings.mail_from)
    if isinstance(settings.sms_url, Path):
        from gatehouse.delivery.folders import SmsFolder

        return SmsFolder(settings.sms_url)
    from gatehouse.delivery.sms_gateway import SmsGatewayChannel

    return SmsGatewayChannel(settings.sms_url)
