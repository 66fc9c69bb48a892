"""Every method of `account.svc`, by SOAP and JSON, with every kind of thing of another merchant or application."""

import itertools

import pytest

from tests.conformance.isolation.account_calls import Attempt, make
from tests.conformance.isolation.world import SHARED_DEVICE, House, World, changed
from tests.factories import EMAIL, PHONE, USERNAME

NEW = "a new one & four magpies"
LOGGED_IN = ("accounts", "sessions")

SESSION_CALLS: dict[str, dict[str, str]] = {
    "DeviceActivate": {"deviceId": SHARED_DEVICE, "activationCode": "here code of phone-of-both"},
    "DeviceSendActivationCode": {"deviceId": SHARED_DEVICE},
    "LogOff": {},
    "RegisterDevice": {"deviceId": SHARED_DEVICE, "phoneNumber": "+12015550188"},
    "UpdatePassword": {"oldPassword": "here password", "newPassword": NEW},
    "UpdatePincode": {"Password": "here password", "newPincode": "1593"},
}
"""The methods that need a session, with members that are right but for it."""

ALL_CALLS = SESSION_CALLS | {
    "Login": {"Email": EMAIL, "Password": "here password", "userrole": "15"},
    "DecodeLoginCookie": {"Cookie": "here cookie"},
    "ResetPassword": {"Email": EMAIL},
}


def theirs(members: dict[str, str]) -> dict[str, str]:
    """Return the members with the other merchant's things in the place of ours."""
    return {name: value.replace("here ", "there ") for name, value in members.items()}


def login(**values: str) -> dict[str, str]:
    """Return the members of Login."""
    return {"userrole": "15"} | values


FOREIGN_SESSIONS = [
    Attempt(method=method, members=members, session=session, session_by=by, token_by=token_by, expects="SessionExpired")
    for (method, own), session, (by, token_by) in itertools.product(
        SESSION_CALLS.items(),
        ("there session", "there web session", "here web session"),
        (("header", "header"), ("cookie", "header"), ("SOAP header", "header"), ("header", "SOAP header")),
    )
    for members in ((own, theirs(own)) if own != theirs(own) else (own,))
]
"""A session with the token of an application that did not issue it, whichever way either of them comes."""

FOREIGN_APPLICATIONS = [
    Attempt(method=method, members=members, token=token, session="here session", expects="SessionExpired")
    for (method, members), token in itertools.product(
        SESSION_CALLS.items(), ("here web token", "there token", "there web token")
    )
]
"""The session is right and the application is not the one that issued it."""

OWN_SESSION_WINS = [
    Attempt(
        method=method,
        members=members,
        session="here session",
        cookies={"credentialsToken": "there session", "EncodedCookie": "there cookie"},
        may_change=(
            "accounts",
            "activation_codes",
            "devices",
            "login_cookies",
            "messages",
            "message_events",
            "reset_codes",
            "sessions",
            "temporary_passwords",
        ),
    )
    for method, members in SESSION_CALLS.items()
]
"""A browser that was at both merchants sends both merchants' cookies."""

IGNORED_SESSIONS = [
    Attempt(
        method=method,
        members=ALL_CALLS[method],
        session="there session",
        session_by=by,
        cookies={"EncodedCookie": "there cookie"},
        may_change=(*LOGGED_IN, "login_cookies", "messages", "message_events", "temporary_passwords"),
    )
    for method, by in itertools.product(("Login", "DecodeLoginCookie", "ResetPassword"), ("header", "cookie"))
]
"""The methods that need none act for the application that calls, whatever session comes along."""

TWO_TOKENS = [
    Attempt(
        method=method, members=members, headers={"applicationToken": token}, token_by="member", expects="InvalidField"
    )
    for (method, members), token in itertools.product(
        ((name, ALL_CALLS[name]) for name in ("Login", "DecodeLoginCookie")), ("there token", "here web token")
    )
]
"""One request for two applications is for neither."""

WRONG_PASSWORD = {"expects": "InvalidCredentials"}
LOGINS = [
    Attempt(method="Login", members=login(Email=EMAIL, Password="there password"), **WRONG_PASSWORD),
    Attempt(method="Login", members=login(username=USERNAME, Password="there password"), **WRONG_PASSWORD),
    Attempt(method="Login", members=login(Email=EMAIL, username=USERNAME, Password="there password"), **WRONG_PASSWORD),
    Attempt(method="Login", members=login(Email=EMAIL, Password="there temporary password"), **WRONG_PASSWORD),
    Attempt(method="Login", members=login(username=USERNAME, Password="there temporary password"), **WRONG_PASSWORD),
    Attempt(method="Login", members=login(Email="there only email", Password="there only password"), **WRONG_PASSWORD),
    Attempt(
        method="Login", members=login(username="there only username", Password="there only password"), **WRONG_PASSWORD
    ),
    Attempt(
        method="Login",
        members=login(Email=EMAIL, username="there only username", Password="here password"),
        **WRONG_PASSWORD,
    ),
    Attempt(
        method="Login",
        members=login(Email="there only email", username=USERNAME, Password="here password"),
        **WRONG_PASSWORD,
    ),
    Attempt(
        method="Login",
        members=login(Email=EMAIL, Password="there password", deviceId="there activated device"),
        **WRONG_PASSWORD,
    ),
]

UNKNOWN_DEVICE = {"IsDeviceRegistered": "false", "IsDeviceActivated": "false", "IsDeviceBlocked": "false"}
LOGIN_DEVICES = [
    Attempt(
        method="Login",
        members=login(Email=EMAIL, Password="here password", deviceId=f"there {kind} device", pushToken="push"),
        shows=UNKNOWN_DEVICE,
        may_change=LOGGED_IN,
    )
    for kind in ("registered", "activated", "blocked")
]

COOKIES = [
    Attempt(method="DecodeLoginCookie", members={"Cookie": cookie}, token_by=by, expects="InvalidCookie")
    for cookie, by in itertools.product(
        ("there cookie", "there web cookie", "here web cookie", "there replaced cookie", "there rotated cookie"),
        ("header", "member", "SOAP header"),
    )
] + [
    # What a browser sends by itself is no member.
    Attempt(method="DecodeLoginCookie", cookies={"EncodedCookie": cookie}, expects="MissingField")
    for cookie in ("there cookie", "here web cookie")
]

OWN = {"session": "here session"}
MEMBERS = (
    [
        Attempt(method="DeviceSendActivationCode", members={"deviceId": f"there {kind} device"}, **OWN, expects=refusal)
        for kind, refusal in itertools.product(("registered", "activated", "blocked"), ("DeviceNotRegistered",))
    ]
    + [
        Attempt(
            method="DeviceActivate",
            members={"deviceId": "there registered device", "activationCode": f"{whose} code of phone-of-both"},
            **OWN,
            expects="DeviceNotRegistered",
        )
        for whose in ("here", "there")
    ]
    + [
        Attempt(
            method="DeviceActivate",
            members={"deviceId": SHARED_DEVICE, "activationCode": "there code of phone-of-both"},
            **OWN,
            expects="InvalidActivationCode",
            may_change=("activation_codes",),
        ),
        *(
            Attempt(
                method="RegisterDevice",
                members={"deviceId": f"there {kind} device", "phoneNumber": PHONE},
                **OWN,
                may_change=("devices", "sessions", "login_cookies"),
            )
            for kind in ("registered", "activated", "blocked")
        ),
        *(
            Attempt(
                method="UpdatePassword",
                members={"oldPassword": old, "newPassword": NEW},
                **OWN,
                **WRONG_PASSWORD,
            )
            for old in ("there password", "there temporary password")
        ),
        *(
            Attempt(method="UpdatePincode", members={"Password": given, "newPincode": "1593"}, **OWN, **WRONG_PASSWORD)
            for given in ("there password", "there temporary password")
        ),
    ]
)
"""The session is right; what the call is about is the other merchant's."""

RESETS = [
    Attempt(method="ResetPassword", members={"Email": "there only email"}),
    Attempt(
        method="ResetPassword",
        members={"Email": EMAIL},
        may_change=("messages", "message_events", "temporary_passwords"),
    ),
]

SECRETS = (
    "token",
    "hash key",
    "session",
    "cookie",
    "temporary password",
    "code of phone-of-both",
    "generated code",
    "client secret",
    "password",
)
CONFUSED = [
    attempt
    for secret in SECRETS
    for attempt in (
        Attempt(method="LogOff", session=f"there {secret}", expects="SessionExpired"),
        Attempt(method="DecodeLoginCookie", members={"Cookie": f"there {secret}"}, expects="InvalidCookie"),
        Attempt(method="Login", members=login(Email=EMAIL, Password=f"there {secret}"), **WRONG_PASSWORD),
        Attempt(
            method="DeviceActivate",
            members={"deviceId": SHARED_DEVICE, "activationCode": f"there {secret}"},
            **OWN,
            expects="InvalidActivationCode",
            may_change=("activation_codes",),
        ),
    )
] + [
    Attempt(
        method="ResetPassword", members={"Email": EMAIL}, token=f"there {secret}", expects="InvalidApplicationToken"
    )
    for secret in SECRETS
    if secret != "token"
]
"""Each secret of the other merchant in the place of every other kind of secret."""

ATTEMPTS = [
    *FOREIGN_SESSIONS,
    *FOREIGN_APPLICATIONS,
    *OWN_SESSION_WINS,
    *IGNORED_SESSIONS,
    *TWO_TOKENS,
    *LOGINS,
    *LOGIN_DEVICES,
    *COOKIES,
    *MEMBERS,
    *RESETS,
    *CONFUSED,
]

OF_REGISTERED_DEVICES = ("DeviceActivate", "DeviceSendActivationCode")

AT_HOME = [
    *(Attempt(method=method, members=members, session="here session") for method, members in SESSION_CALLS.items()),
    *(
        Attempt(
            method=method,
            members=members,
            session="here web session",
            token="here web token",
            # Devices are registered and activated for one application.
            expects="DeviceNotRegistered" if method in OF_REGISTERED_DEVICES else "Success",
        )
        for method, members in SESSION_CALLS.items()
    ),
    *(Attempt(method=method, members=members) for method, members in ALL_CALLS.items() if method not in SESSION_CALLS),
    Attempt(method="DecodeLoginCookie", members={"Cookie": "here web cookie"}, token="here web token"),
    Attempt(method="DecodeLoginCookie", members={"Cookie": "here rotated cookie"}),
    Attempt(method="DecodeLoginCookie", members={"Cookie": "here replaced cookie"}, expects="CookieReplayed"),
    Attempt(method="Login", members=login(username=USERNAME, Password="here temporary password")),
    Attempt(method="Login", members=login(Email="here only email", Password="here only password")),
    Attempt(method="Login", members=login(username="here only username", Password="here only password")),
    Attempt(
        method="Login",
        members=login(Email=EMAIL, Password="here password", deviceId="here activated device"),
        shows={"IsDeviceRegistered": "true", "IsDeviceActivated": "true"},
    ),
    Attempt(
        method="Login",
        members=login(Email=EMAIL, Password="here password", deviceId="here activated device"),
        token="here web token",
        shows={"IsDeviceRegistered": "false", "IsDeviceActivated": "false"},
    ),
    Attempt(
        method="Login",
        members=login(Email=EMAIL, Password="here password", deviceId="here blocked device"),
        expects="DeviceBlocked",
    ),
    Attempt(method="DeviceSendActivationCode", members={"deviceId": "here registered device"}, **OWN),
    Attempt(method="RegisterDevice", members={"deviceId": "here blocked device"}, **OWN, expects="DeviceBlocked"),
    Attempt(method="UpdatePassword", members={"oldPassword": "here temporary password", "newPassword": NEW}, **OWN),
]
"""What the attempts use, where it belongs: here it must work, or they would prove nothing."""


def cases(attempts: list[Attempt]) -> list[object]:
    """Return each attempt by each protocol, under a name that tells what it tries."""
    found = []
    for number, attempt in enumerate(attempts):
        for protocol in attempt.protocols:
            found.append(pytest.param(attempt, protocol, id=f"{protocol}-{attempt.method}-{number}"))
    return found


@pytest.mark.parametrize(("attempt", "protocol"), cases(ATTEMPTS))
def test_things_of_another_do_nothing(world: World, houses: tuple[House, House], attempt: Attempt, protocol: str):
    """It is refused or not known, nothing of the other merchant changes, and nothing of it is in the answer."""
    here, there = houses
    before = world.dump()

    outcome = make(world, attempt, protocol, here, there)

    assert outcome.key == attempt.expects
    assert attempt.shows.items() <= outcome.members.items()
    # Wrong guesses are counted by digests that belong to nobody.
    own = ("audit_entries", *attempt.may_change)
    allowed = {(here.name, table) for table in own} | {("nobody", "guess_counts")}
    assert changed(before, world.dump()) <= allowed
    answered = " ".join([outcome.answer.body.decode(), *outcome.answer.cookies])
    assert there.issued["accountId"] not in answered
    assert there.only_here["accountId"] not in answered


@pytest.mark.parametrize(("attempt", "protocol"), cases(AT_HOME))
def test_the_same_things_work_where_they_belong(
    world: World, houses: tuple[House, House], attempt: Attempt, protocol: str
):
    """And change nothing at the other merchant either."""
    here, there = houses
    before = world.dump()

    outcome = make(world, attempt, protocol, here, there)

    assert outcome.key == attempt.expects
    assert attempt.shows.items() <= outcome.members.items()
    assert not {table for owner, table in changed(before, world.dump()) if owner == there.name}
