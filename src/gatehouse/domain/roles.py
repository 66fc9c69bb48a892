"""The roles that an account may have."""

from enum import IntEnum


class UserRole(IntEnum):
    """A role by its wire number. Source: contract, Login."""

    CUSTOMER = 15
    MERCHANT = 20
    MERCHANT_SUB = 21
    AFFILIATE = 25

    @property
    def wire_name(self) -> str:
        """The role's name as clients write it, such as `MerchantSub`."""
        return self.name.title().replace("_", "")


_BY_TEXT = {str(role.value): role for role in UserRole} | {role.wire_name.casefold(): role for role in UserRole}


def find_role(text: str) -> UserRole | None:
    """Return the role of this number or name in any case of the letters, or None."""
    return _BY_TEXT.get(text.strip().casefold())
