"""How requests are read: as leniently as clients of many makes need it, and no more. And how replies are written."""

from datetime import timedelta

import pytest
from lxml import etree

from gatehouse.operations.demo import make_demo
from tests import factories
from tests.conformance.soap import DATA, ENVELOPE, PATH, TARGET, call, envelope, members
from tests.factories import EMAIL, PASSWORD, USERNAME

SUCCESS = ("0", "Success")
LOGIN = {"Email": EMAIL, "Password": PASSWORD, "userrole": "15"}
WITHOUT_ROLE = {"Email": EMAIL, "Password": PASSWORD}


def invalid(name):
    """Return code, key and message of InvalidField for this member."""
    return "12", "InvalidField", f"A field has a value that is not allowed: {name}."


def missing(name):
    """Return code, key and message of MissingField for this member."""
    return "11", "MissingField", f"A mandatory field is missing: {name}."


def told(answer):
    """Return code, key and message of a result."""
    return tuple(answer.result[name] for name in ("Code", "Key", "Message"))


def post(front, document, **headers):
    """Send a document as it is, with the application's token."""
    return front.client.post(document, {"applicationToken": front.token} | headers)


LENIENT = {
    "as generated clients write it": call("Login", members(LOGIN)),
    "small letters": call("login", members(LOGIN).lower().replace(PASSWORD.lower(), PASSWORD)),
    "capital letters": call("LOGIN", members({name.upper(): value for name, value in LOGIN.items()})),
    "reverse order": call("Login", members(dict(reversed(LOGIN.items())))),
    "prefix": f'<q:Login xmlns:q="{TARGET}">'
    + "".join(f"<q:{name}>{value}</q:{name}>" for name, value in LOGIN.items())
    + "</q:Login>",
    "members without namespace": f'<q:Login xmlns:q="{TARGET}">{members(LOGIN)}</q:Login>',
    "no namespace at all": f"<Login>{members(LOGIN)}</Login>",
    "another namespace": f'<Login xmlns="urn:acme">{members(LOGIN)}</Login>',
    "each member of its own namespace": f'<Login xmlns="{TARGET}">'
    + "".join(f'<{name} xmlns="urn:{name}">{value}</{name}>' for name, value in LOGIN.items())
    + "</Login>",
    "unknown elements": call(
        "Login", "<x/><Colour>red</Colour>" + members(LOGIN) + "<y><Email>other@x.org</Email></y>"
    ),
    "blanks between the members": call("Login", "\n  ".join(["", *(members({k: v}) for k, v in LOGIN.items()), ""])),
    "comments": call(
        "Login",
        "<!-- a -->" + members(LOGIN).replace("@", "<!-- b -->@").replace("horse", "ho<!-- c -->rse"),
    ),
    "processing instructions": call("Login", members(LOGIN).replace("horse", "ho<?x y?>rse")),
    "CDATA": call("Login", members(LOGIN).replace(PASSWORD, f"<![CDATA[{PASSWORD}]]>")),
    "CDATA in parts": call("Login", members(LOGIN).replace(PASSWORD, "correct <![CDATA[horse]]> batt<![CDATA[ery]]>")),
    "character references": call("Login", members(LOGIN).replace("@", "&#64;").replace("horse", "h&#x6F;rse")),
    "absent and nil": call("Login", members(LOGIN) + '<username xsi:nil="true"/><Options xsi:nil="true"/>'),
    "nil as 1": call("Login", members(LOGIN) + '<username xsi:nil="1"/><deviceId xsi:nil=" true "/>'),
    "nil with something in it": call("Login", members(LOGIN) + '<username xsi:nil="true">nobody</username>'),
    "nil that is false": call("Login", members(LOGIN).replace("<Email>", '<Email xsi:nil="false">')),
    "nil that is 0": call("Login", members(LOGIN).replace("<Email>", '<Email xsi:nil="0">')),
    "empty": call("Login", members(LOGIN) + "<username/><deviceId></deviceId><setCookie/>"),
    "empty and given": call("Login", "<Email/>" + members(LOGIN) + '<Email xsi:nil="true"/>'),
    "the same twice": call("Login", members(LOGIN) + members(LOGIN)),
    "blanks around e-mail and role": call(
        "Login", members({"Email": f" {EMAIL}\n", "Password": PASSWORD, "userrole": "\t15 "})
    ),
    "types that a toolkit guessed": call(
        "Login",
        members(LOGIN)
        .replace("<userrole>", '<userrole xsi:type="xs:int" xmlns:xs="http://www.w3.org/2001/XMLSchema">')
        .replace("<Email>", '<Email xsi:type="unknown">'),
    ).replace("<Login ", '<Login xsi:type="Account.LoginResult" '),
    "attributes named like members": call(
        "Login", members(LOGIN).replace("<Email>", '<Email username="x" Password="y" type="z">')
    ),
    "attributes on the operation": call("Login", members(LOGIN)).replace("<Login ", '<Login Email="x" id="a" '),
    "references": call("Login", members(LOGIN) + '<username href="#nowhere"/><deviceId id="b" href="#b"/>'),
    "encoding style of SOAP 1.1": call("Login", members(LOGIN)).replace(
        "<Login ", '<Login s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/" '
    ),
    "e-mail in another case": call("Login", members(LOGIN | {"Email": EMAIL.upper()})),
    "role by name": call("Login", members(LOGIN | {"userrole": "customer"})),
}


@pytest.mark.parametrize("name", LENIENT)
def test_login_is_read_however_it_is_written(front, name):
    """Generated and hand-written clients differ in all of these."""
    assert post(front, envelope(LENIENT[name])).outcome == SUCCESS


@pytest.mark.parametrize(
    "document", ["<?xml version='1.0'?>\n", '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>', "<!-- x -->"]
)
@pytest.mark.parametrize("tail", ["", "\n\n", "<!-- x -->", "<?x y?>"])
def test_what_stands_around_the_envelope_does_not_matter(front, document, tail):
    """Declarations, comments and blanks are not the message."""
    assert post(front, document + envelope(call("Login", members(LOGIN))) + tail).outcome == SUCCESS


def test_default_namespace_and_other_prefix_of_the_envelope(front):
    """`soapenv`, `SOAP-ENV`, or no prefix at all."""
    document = f'<Envelope xmlns="{ENVELOPE}"><Header/><Body><Login xmlns="">{members(LOGIN)}</Login></Body></Envelope>'

    assert post(front, document).outcome == SUCCESS


@pytest.mark.parametrize(
    "options",
    [
        "<Options><Account.LoginOptions><userrole>15</userrole></Account.LoginOptions></Options>",
        "<Options><Account.LoginOptions><USERROLE>15</USERROLE></Account.LoginOptions></Options>",
        f'<d:Options xmlns:d="{DATA}"><d:Account.LoginOptions><d:userrole>15</d:userrole></d:Account.LoginOptions>'
        "</d:Options>",
        "<Options><userrole>15</userrole></Options>",
        "<options><UserRole>Customer</UserRole></options>",
        "<Options><item><userrole>15</userrole></item></Options>",
        "<Options><LoginOptions><userrole>15</userrole></LoginOptions></Options>",
        "<Options><a/><b xsi:nil='true'/><c><userrole>15</userrole></c></Options>",
        "<Options><item><userrole>15</userrole></item><item><userrole>15</userrole></item></Options>",
        "<Options><item><appName>x</appName></item></Options><Options><item><userrole>15</userrole></item></Options>",
        "<Options>\n  <item>\n <userrole> 15 </userrole></item></Options>",
        "<Options/><userrole>15</userrole>",
        "<Options></Options><userrole>15</userrole>",
        "<Options> \n </Options><userrole>15</userrole>",
        '<Options xsi:nil="true"/><userrole>15</userrole>',
        '<Options><Account.LoginOptions xsi:nil="true"/></Options><userrole>15</userrole>',
        "<Options><Account.LoginOptions/></Options><userrole>15</userrole>",
        "<Options><userrole>15</userrole></Options><userrole>15</userrole>",
        "<Options><userrole/></Options><userrole>15</userrole>",
        "<Options><userrole>15</userrole></Options><userrole/>",
        "<Options><userrole>15</userrole><Colour>red</Colour></Options>",
    ],
)
def test_options_are_read_from_any_place_and_shape(front, options):
    """The seed can be read as a flat request or as a nested block, and clients of both kinds exist."""
    answer = post(front, envelope(call("Login", members(WITHOUT_ROLE) + options)))

    assert answer.outcome == SUCCESS


@pytest.mark.parametrize(
    "options",
    [
        "",
        "<userrole/>",
        "<userrole> </userrole>",
        '<userrole xsi:nil="true"/>',
        '<userrole xsi:nil="true">15</userrole>',
        '<Options xsi:nil="true"><userrole>15</userrole></Options>',
        '<Options><item xsi:nil="true"><userrole>15</userrole></item></Options>',
        "<other><userrole>15</userrole></other>",
        "<Email userrole='15'/>",
    ],
)
def test_absent_nil_and_empty_are_a_missing_role(front, options):
    """Absent and nil are the same, and an empty string is a missing one."""
    answer = post(front, envelope(call("Login", members(WITHOUT_ROLE) + options)))

    assert told(answer) == missing("userrole")


def test_options_give_every_member(front):
    """A device, a token, a name and a cookie count from there as from the request itself."""
    front.shop.set_application(minimum_version="2.0")
    session = front.log_in()
    front.shop.register(session, "till-1")
    options = {
        "appName": "Shop/1.0",
        "applicationToken": front.token,
        "deviceId": "till-1",
        "pushToken": "push-1",
        "setCookie": "true",
        "userrole": "15",
    }

    answer = front.login(
        f"<Options><Account.LoginOptions>{members(options)}</Account.LoginOptions></Options>", userrole=None, token=None
    )

    assert answer.outcome == SUCCESS
    assert (answer.result["IsDeviceRegistered"], answer.result["VersionUpdateRequired"]) == ("true", "true")
    assert answer.result["EncodedCookie"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("<Email>a@example.com</Email>", "Email"),
        ("<EMAIL>a@example.com</EMAIL>", "Email"),
        ("<Password>another</Password>", "Password"),
        (f"<password> {PASSWORD}</password>", "Password"),
        ("<userrole>20</userrole>", "userrole"),
        ("<Options><item><userrole>20</userrole></item></Options>", "userrole"),
        ("<Options><UserRole>20</UserRole></Options>", "userrole"),
        ("<Options><item><deviceId>a</deviceId></item><item><deviceId>b</deviceId></item></Options>", "deviceId"),
        ("<Options><item><appName>a</appName></item></Options><appName>b</appName>", "appName"),
        ("<pushToken>a</pushToken><pushToken>b</pushToken>", "pushToken"),
        ("<setCookie>yes</setCookie>", "setCookie"),
        ("<setCookie>2</setCookie>", "setCookie"),
        ("<setCookie>-1</setCookie>", "setCookie"),
        ("<setCookie>true</setCookie><setCookie>no</setCookie>", "setCookie"),
        ("<Options><item><setCookie>on</setCookie></item></Options>", "setCookie"),
        ("<Options>15</Options>", "Options"),
        ("<deviceId><x/></deviceId>", "deviceId"),
        ("<deviceId>a<b>c</b></deviceId>", "deviceId"),
        ("<setCookie><x>true</x></setCookie>", "setCookie"),
        ("<applicationToken>another</applicationToken>", "applicationToken"),
        ("<Options><applicationToken>another</applicationToken></Options>", "applicationToken"),
        (f"<deviceId>{'x' * 257}</deviceId>", "deviceId"),
        (f"<username>{'x' * 201}</username>", "username"),
        (f"<pushToken>{'x' * 4097}</pushToken>", "pushToken"),
    ],
)
def test_value_that_cannot_be_is_named(front, content, name):
    """The member's name in the contract's letters, and nothing of the value."""
    assert told(front.login(content)) == invalid(name)


@pytest.mark.parametrize("role", ["99", "Nobody", "15.0", "0x0F", "-15"])
def test_role_that_is_none(front, role):
    """A present value that its type does not allow."""
    assert told(front.login(userrole=role)) == invalid("userrole")


@pytest.mark.parametrize("flag", ["true", "1", "TRUE", "True", " true ", "\n1\n"])
def test_true_in_every_form(front, flag):
    """XML Schema's two, any case for those who print a boolean of their language, and blanks."""
    assert front.login(setCookie=flag).result["EncodedCookie"]


@pytest.mark.parametrize("flag", ["false", "0", "False", " 0 ", "", "  ", None])
def test_false_in_every_form(front, flag):
    """No cookie is given that was not asked for."""
    assert front.login(setCookie=flag).result["EncodedCookie"] is None


@pytest.mark.parametrize(
    "content",
    [
        "<setCookie>false</setCookie><Options><item><setCookie>true</setCookie></item></Options>",
        "<setCookie>true</setCookie><Options><item><setCookie>false</setCookie></item></Options>",
        "<setCookie>0</setCookie><setCookie>1</setCookie><setCookie>0</setCookie>",
        "<Options><item><setCookie>false</setCookie></item><item><setCookie>true</setCookie></item></Options>",
    ],
)
def test_set_cookie_is_true_where_one_place_says_so(front, content):
    """A generated .NET proxy cannot leave a boolean out."""
    assert front.login(content).result["EncodedCookie"]


@pytest.mark.parametrize(
    "content",
    [
        f"<LogOff xmlns='{TARGET}'/>",
        f"<LogOff xmlns='{TARGET}'></LogOff>",
        f"<LogOff xmlns='{TARGET}' xsi:nil='true'/>",
        "<logoff/>",
        "<LogOff><anything>else</anything></LogOff>",
    ],
)
def test_call_without_members(front, content):
    """Of a method that has none."""
    assert post(front, envelope(content)).outcome == SUCCESS


@pytest.mark.parametrize("nil", ["true", "1"])
def test_nil_call_has_no_members(front, nil):
    """Whatever stands in it."""
    answer = post(front, envelope(f'<Login xsi:nil="{nil}">{members(LOGIN)}</Login>'))

    assert told(answer) == missing("Email")


@pytest.mark.parametrize(
    "password",
    [
        " correct horse battery ",
        "correct\thorse\nbattery",
        "correct\rhorse\r\nbattery",
        "<correct> & \"horse\" 'battery' ]]>",
        "Zürich Пароль 密码 🔐",
        "e\u0301t\u00e9 correct horse",
        "correct\u00a0horse\u200bbattery",
    ],
)
def test_password_arrives_letter_by_letter(front, password):
    """Nothing is trimmed from a password, and nothing is taken for markup."""
    session = front.log_in()

    changed = front.call("UpdatePassword", {"oldPassword": PASSWORD, "newPassword": password}, session=session)

    assert changed.outcome == SUCCESS
    assert front.login(Password=password).outcome == SUCCESS
    assert front.login(Password=password.replace("correct", "Correct").replace("Z", "z")).outcome == (
        "30",
        "InvalidCredentials",
    )


ACTION = "http://tempuri.org/IAccount/Login"


@pytest.mark.parametrize(
    "action",
    [ACTION, f'"{ACTION}"', "Login", '"Login"', "login", ACTION.upper(), '""', "", " ", f' "{ACTION}" ', None],
)
def test_action_may_be_written_in_any_of_these_ways(front, action):
    """Full or bare, quoted or not, empty or absent."""
    headers = {} if action is None else {"SOAPAction": action}

    assert front.login(headers=headers).outcome == SUCCESS


@pytest.mark.parametrize(
    "action",
    [
        "http://tempuri.org/IAccount/LogOff",
        '"http://tempuri.org/IAccount/LogOff"',
        "LogOff",
        "http://tempuri.org/IAccount/LoginResponse",
        "http://tempuri.org/Login",
        "urn:Login",
        "Nonsense",
    ],
)
def test_action_of_something_else_is_not_supported(front, action):
    """WCF would dispatch by it; the body is not run against it."""
    status, code, _ = front.login(headers={"SOAPAction": action}).fault

    assert status == 500
    assert code == "{http://schemas.microsoft.com/ws/2005/05/addressing/none}ActionNotSupported"


class TestApplication:
    """The application's token: by member, by HTTP header, by SOAP header."""

    def by(self, front, way, token):
        """Log in with the token given in this way."""
        match way:
            case "member":
                return front.login(applicationToken=token, token=None)
            case "options":
                return front.login(f"<Options>{members({'applicationToken': token})}</Options>", token=None)
            case "http":
                return front.login(token=token)
            case "soap":
                return front.login(
                    header=f'<h:applicationToken xmlns:h="{TARGET}">{token}</h:applicationToken>', token=None
                )
            case "soap, hand-written":
                return front.login(header=f"<APPLICATIONTOKEN> {token}\n</APPLICATIONTOKEN>", token=None)

    @pytest.mark.parametrize("way", ["member", "options", "http", "soap", "soap, hand-written"])
    def test_names_the_application(self, front, way):
        """Each is enough."""
        assert self.by(front, way, front.token).outcome == SUCCESS

    @pytest.mark.parametrize("way", ["member", "options", "http", "soap", "soap, hand-written"])
    def test_that_nobody_has(self, front, way):
        """The answer is the same wherever it stood."""
        assert self.by(front, way, "6F9619FF-8B86-D011-B42D-00C04FC964FF").outcome == ("20", "InvalidApplicationToken")

    def test_in_every_place_at_once(self, front):
        """The same value several times is one value."""
        answer = front.login(
            f"<Options>{members({'applicationToken': front.token})}</Options>",
            applicationToken=front.token,
            header=f"<applicationToken>{front.token}</applicationToken>",
        )

        assert answer.outcome == SUCCESS

    @pytest.mark.parametrize(
        "other",
        [
            {"applicationToken": "another"},
            {"header": "<applicationToken>another</applicationToken>"},
        ],
    )
    def test_that_differs_between_two_places(self, front, other):
        """Nobody can tell which one was meant."""
        assert told(front.login(**other)) == invalid("applicationToken")

    def test_member_and_soap_header_that_differ(self, front):
        """Neither of the two wins."""
        answer = front.login(
            applicationToken=front.token, header="<applicationToken>another</applicationToken>", token=None
        )

        assert told(answer) == invalid("applicationToken")

    def test_empty_ones_are_not_there(self, front):
        """As for every member."""
        answer = front.login(
            applicationToken=front.token, header="<applicationToken/>", token=None, headers={"applicationToken": " "}
        )

        assert answer.outcome == SUCCESS

    @pytest.mark.parametrize("method", ["Login", "DecodeLoginCookie", "ResetPassword", "RegisterDevice"])
    def test_absent(self, front, method):
        """Without a default application it is required."""
        answer = front.call(method, LOGIN if method == "Login" else {}, token=None)

        assert answer.outcome == ("21", "ApplicationTokenRequired")

    def test_default_application_serves_who_sends_none(self, make_front):
        """For clients that cannot be changed."""
        token = make_demo_token(make_front)
        front = make_front(default_application=token)
        make_demo(front.shop.core)

        answer = front.call("ResetPassword", {"Email": "nobody@example.com"}, token=None)

        assert answer.outcome == SUCCESS


def make_demo_token(make_front):
    """Return the token that the demo application of every installation with this secret key has."""
    return make_demo(make_front().shop.core)["applicationToken"]


class TestSession:
    """The credentials token: by HTTP header, by cookie, by SOAP header."""

    def by(self, front, way, token, method="UpdatePincode", **rest):
        """Call a method that needs a session, with the token given in this way."""
        values = {"UpdatePincode": {"Password": PASSWORD, "newPincode": "8642"}, "Login": LOGIN}.get(method, {})
        match way:
            case "http":
                return front.call(method, values, headers={"credentialsToken": token}, **rest)
            case "http, other letters":
                return front.call(method, values, headers={"CREDENTIALSTOKEN": f" {token} "}, **rest)
            case "cookie":
                return front.call(method, values, headers={"Cookie": f"a=b; credentialsToken={token}; c"}, **rest)
            case "cookie, quoted":
                return front.call(method, values, headers={"Cookie": f'CredentialsToken="{token}"'}, **rest)
            case "cookie among odd ones":
                odd = f'=x; ;;a; b="c;d"; [x]=<y>; credentialsToken=; credentialsToken={token}; é=ü'
                return front.call(method, values, headers={"Cookie": odd}, **rest)
            case "soap":
                header = f'<h:credentialsToken xmlns:h="{TARGET}">{token}</h:credentialsToken>'
                return front.call(method, values, header=header, **rest)
            case "soap, hand-written":
                return front.call(method, values, header=f"<CREDENTIALSTOKEN>\n{token} </CREDENTIALSTOKEN>", **rest)

    WAYS = (
        "http",
        "http, other letters",
        "cookie",
        "cookie, quoted",
        "cookie among odd ones",
        "soap",
        "soap, hand-written",
    )

    @pytest.mark.parametrize("way", WAYS)
    def test_is_recognised(self, front, way):
        """Each is enough."""
        assert self.by(front, way, front.log_in()).outcome == SUCCESS

    @pytest.mark.parametrize("way", WAYS)
    def test_that_nobody_has(self, front, way):
        """The answer is the same wherever it stood."""
        assert self.by(front, way, "x" * 43).outcome == ("41", "SessionExpired")

    @pytest.mark.parametrize("way", ["http", "soap"])
    def test_in_a_header_wins_over_a_stale_cookie(self, front, way):
        """Cookie jars never forget."""
        session = front.log_in()
        cookie = {"Cookie": "credentialsToken=stale"}
        headers = cookie | ({"credentialsToken": session} if way == "http" else {})
        header = f"<credentialsToken>{session}</credentialsToken>" if way == "soap" else ""

        answer = front.call(
            "UpdatePincode", {"Password": PASSWORD, "newPincode": "8642"}, headers=headers, header=header
        )

        assert answer.outcome == SUCCESS

    def test_in_a_stale_header_wins_over_a_cookie(self, front):
        """Who names a session explicitly means that one."""
        cookie = {"Cookie": f"credentialsToken={front.log_in()}", "credentialsToken": "stale"}

        assert front.call("RegisterDevice", {"deviceId": "till-1"}, headers=cookie).outcome == ("41", "SessionExpired")

    @pytest.mark.parametrize("way", ["http", "cookie", "soap"])
    @pytest.mark.parametrize("method", ["Login", "DecodeLoginCookie", "ResetPassword"])
    def test_that_is_stale_does_not_hinder_these(self, front, way, method):
        """They begin anew: a stale session beside them is not theirs."""
        values = {
            "Login": LOGIN,
            "DecodeLoginCookie": {"Cookie": front.login(setCookie=True).result["EncodedCookie"]},
            "ResetPassword": {"Email": EMAIL},
        }[method]
        headers = {"http": {"credentialsToken": "stale"}, "cookie": {"Cookie": "credentialsToken=stale"}, "soap": {}}[
            way
        ]
        header = "<credentialsToken>stale</credentialsToken>" if way == "soap" else ""

        assert front.call(method, values, headers=headers, header=header).outcome == SUCCESS

    @pytest.mark.parametrize(
        "method",
        ["RegisterDevice", "DeviceSendActivationCode", "DeviceActivate", "UpdatePassword", "UpdatePincode", "LogOff"],
    )
    def test_alone_names_the_application_too(self, front, method):
        """Who has a session need not send the application's token as well."""
        answer = front.call(method, session=front.log_in(), token=None)

        assert answer.outcome == (SUCCESS if method == "LogOff" else ("11", "MissingField"))


class TestCookies:
    """What goes back in `Set-Cookie`."""

    def test_login_sets_the_session(self, front):
        """HttpOnly and SameSite=Lax; it ends with the browser."""
        answer = front.login()

        assert answer.cookies == [
            f"credentialsToken={answer.result['CredentialsToken']}; Path=/; HttpOnly; SameSite=Lax"
        ]
        assert answer.result["CredentialsHeaderName"] == "credentialsToken"

    def test_set_cookie_gives_the_login_cookie_too(self, front):
        """It lives as long as the application lets it."""
        front.shop.set_application(cookie_lifetime=timedelta(days=2))

        answer = front.login(setCookie=True)

        assert answer.cookies[1:] == [
            f"EncodedCookie={answer.result['EncodedCookie']}; Path=/; HttpOnly; SameSite=Lax; Max-Age=172800"
        ]

    def test_decoding_sets_both_anew(self, front):
        """The rotated cookie takes the place of the one before."""
        cookie = front.login(setCookie=True).result["EncodedCookie"]

        answer = front.call("DecodeLoginCookie", {"Cookie": cookie})

        assert [each.partition("; ")[0] for each in answer.cookies] == [
            f"credentialsToken={answer.result['CredentialsToken']}",
            f"EncodedCookie={answer.result['EncodedCookie']}",
        ]
        assert answer.result["EncodedCookie"] not in (None, cookie)

    @pytest.mark.parametrize("settings", [{}, {"public_url": "https://login.example.org"}])
    def test_are_secure_under_https(self, make_front, settings):
        """Whether the server speaks it itself or a proxy in front of it does."""
        front = make_front(**settings)
        scheme = {} if settings else {"wsgi.url_scheme": "https"}

        assert [each.endswith("; Secure") for each in front.login(setCookie=True, **scheme).cookies] == [True, True]

    def test_log_off_clears_both(self, front):
        """Also for clients that know no Max-Age."""
        session = front.log_in(setCookie=True)

        answer = front.call("LogOff", session=session)

        end = "Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        assert answer.cookies == [f"credentialsToken=; {end}", f"EncodedCookie=; {end}"]

    def test_log_off_of_an_ended_session_clears_them_as_well(self, front):
        """A client that asks twice gets rid of them all the same."""
        answer = front.call("LogOff", session="stale")

        assert (answer.outcome, len(answer.cookies)) == (("41", "SessionExpired"), 2)

    def test_refusals_set_none(self, front):
        """There is nothing to keep."""
        assert front.login(Password="wrong", setCookie=True).cookies == []
        assert front.call("DecodeLoginCookie", {"Cookie": "x"}).cookies == []


class TestReply:
    """Exactly the WSDL: with members out of order WCF drops them in silence."""

    def test_refused_login_byte_for_byte(self, front):
        """Prefixes, order and nil as WCF writes them."""
        answer = front.login(Password="wrong")

        assert answer.header("Content-Type") == "text/xml; charset=utf-8"
        assert answer.header("Content-Length") == str(len(answer.body))
        assert answer.header("Cache-Control") == "no-store"
        assert answer.body.decode() == (
            '<?xml version="1.0" encoding="utf-8"?>'
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            '<LoginResponse xmlns="http://tempuri.org/">'
            '<LoginResult xmlns:a="http://schemas.datacontract.org/2004/07/Gatehouse"'
            ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
            "<a:Code>30</a:Code><a:IsSuccess>false</a:IsSuccess><a:Key>InvalidCredentials</a:Key>"
            '<a:Message>The account or the password is wrong.</a:Message><a:Number i:nil="true"/>'
            '<a:AccountStatus i:nil="true"/><a:CredentialsHeaderName i:nil="true"/><a:CredentialsToken i:nil="true"/>'
            '<a:CustomerNumber i:nil="true"/><a:Email i:nil="true"/><a:EncodedCookie i:nil="true"/>'
            "<a:IsDeviceActivated>false</a:IsDeviceActivated><a:IsDeviceBlocked>false</a:IsDeviceBlocked>"
            "<a:IsDeviceRegistered>false</a:IsDeviceRegistered>"
            "<a:IsDeviceRegistrationRequired>false</a:IsDeviceRegistrationRequired>"
            "<a:IsFirstLogin>false</a:IsFirstLogin><a:IsPasswordChangeRequired>false</a:IsPasswordChangeRequired>"
            '<a:LastLogin i:nil="true"/><a:VersionUpdateRequired>false</a:VersionUpdateRequired>'
            "</LoginResult></LoginResponse></s:Body></s:Envelope>"
        )

    def test_login_gives_every_member(self, front):
        """The second of two, so that there is one before."""
        front.log_in()
        front.shop.clock.advance(minutes=5)

        result = front.login().result

        number = str(front.shop.account.id)
        assert result == {
            "Code": "0",
            "IsSuccess": "true",
            "Key": "Success",
            "Message": "The call succeeded.",
            "Number": number,
            "AccountStatus": "Active",
            "CredentialsHeaderName": "credentialsToken",
            "CredentialsToken": result["CredentialsToken"],
            "CustomerNumber": number,
            "Email": EMAIL,
            "EncodedCookie": None,
            "IsDeviceActivated": "false",
            "IsDeviceBlocked": "false",
            "IsDeviceRegistered": "false",
            "IsDeviceRegistrationRequired": "false",
            "IsFirstLogin": "false",
            "IsPasswordChangeRequired": "false",
            "LastLogin": "2026-03-01T12:00:00Z",
            "VersionUpdateRequired": "false",
        }

    def test_first_login_has_no_last_one(self, front):
        """A date that there is not is nil."""
        result = front.login().result

        assert (result["IsFirstLogin"], result["LastLogin"]) == ("true", None)

    def test_dates_keep_their_milliseconds(self, front):
        """To the millisecond, in UTC, as .NET writes them."""
        front.shop.clock.advance(milliseconds=250)
        front.log_in()

        assert front.login().result["LastLogin"] == "2026-03-01T12:00:00.250Z"

    def test_decode_login_cookie_gives_every_member(self, front):
        """Base first, then alphabetical."""
        cookie = front.login(setCookie=True).result["EncodedCookie"]

        result = front.call("DecodeLoginCookie", {"Cookie": cookie}).result

        assert list(result) == [
            "Code",
            "IsSuccess",
            "Key",
            "Message",
            "Number",
            "CredentialsHeaderName",
            "CredentialsToken",
            "Email",
            "EncodedCookie",
            "FullName",
        ]
        assert (result["Email"], result["FullName"]) == (EMAIL, "Jane Doe")

    @pytest.mark.parametrize(
        "full_name",
        [
            "Jane\rDoe",
            "Jane\r\nDoe\n",
            "\tJane  Doe ",
            "<Jane> & \"Doe\" 'x' ]]>",
            "Zoë Ødegård Пётр 陳 🔐",
            "Jane\u2028Doe\ufeff",
            "&amp;&#13;<![CDATA[x]]>",
        ],
    )
    def test_odd_letters_of_a_stored_name_survive(self, front, full_name):
        """A parser turns a bare carriage return into a line feed, so that it goes out as a reference."""
        with front.shop.core.database.writing() as db:
            db.exec_driver_sql("UPDATE accounts SET full_name = ? WHERE id = ?", (full_name, front.shop.account.id))
        cookie = front.login(setCookie=True).result["EncodedCookie"]

        assert front.call("DecodeLoginCookie", {"Cookie": cookie}).result["FullName"] == full_name

    def test_letters_that_xml_cannot_hold_are_replaced(self, front):
        """Spyne alone would answer 200 with an empty envelope."""
        with front.shop.core.database.writing() as db:
            db.exec_driver_sql(
                "UPDATE accounts SET full_name = ? WHERE id = ?", ("Jane\x01\x0bDoe\uffff", front.shop.account.id)
            )
        cookie = front.login(setCookie=True).result["EncodedCookie"]

        assert front.call("DecodeLoginCookie", {"Cookie": cookie}).result["FullName"] == "Jane\ufffd\ufffdDoe\ufffd"

    def test_every_method_answers_in_its_own_element(self, front):
        """Also a refusal, and with the members of its own result."""
        for method in ("DecodeLoginCookie", "DeviceActivate", "DeviceSendActivationCode", "LogOff", "RegisterDevice"):
            (body,) = front.call(method, token="unknown").root
            (response,) = body
            assert response.tag == f"{{{TARGET}}}{method}Response"
            assert [each.tag for each in response] == [f"{{{TARGET}}}{method}Result"]
            assert {etree.QName(each).namespace for each in response[0]} == {DATA}

    def test_every_answer_has_a_request_id_of_its_own(self, front):
        """What an operator asks a caller for."""
        ids = {front.login().header("X-Request-Id") for _ in range(3)}

        assert len(ids - {None}) == 3


def test_email_and_username_of_one_account_go_together(front):
    """Some clients always send both."""
    assert front.login(username=USERNAME).outcome == SUCCESS


def test_trailing_slash_and_case_of_the_path(front):
    """As for the WSDL."""
    document = envelope(call("Login", members(LOGIN))).encode()

    for path in (f"{PATH}/", PATH.upper(), "/v2/Account.svc"):
        answer = front.client.request(
            "POST", path, document, {"applicationToken": front.token}, CONTENT_TYPE="text/xml"
        )
        assert answer.outcome == SUCCESS


def test_calls_of_another_merchants_application_do_not_meet_the_account(front):
    """The token names the merchant."""
    other = factories.make_application(front.shop.core, factories.make_merchant(front.shop.core))

    assert front.login(token=other.token).outcome == ("30", "InvalidCredentials")
    assert front.call("UpdatePincode", session=front.log_in(), token=other.token).outcome == ("41", "SessionExpired")
