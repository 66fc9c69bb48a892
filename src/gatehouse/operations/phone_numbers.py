"""Phone numbers: from what a person types to what a gateway dials."""

import phonenumbers


def normalised_phone(text: str, region: str) -> str | None:
    """Return the number in E.164 form, or None when it is none.

    `region` is the country in which a number without a prefix is dialled (ISO 3166-1).
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def country_of(phone: str) -> str:
    """Return the country of a number in E.164 form (ISO 3166-1); `ZZ` for one that belongs to none."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return "ZZ"
    # Numbers of no country, such as satellite phones, have the region 001.
    return region if region and region.isalpha() else "ZZ"


def is_region(text: str) -> bool:
    """Whether this is a country whose phone numbers are known, as two capital letters (ISO 3166-1)."""
    return text in phonenumbers.SUPPORTED_REGIONS
