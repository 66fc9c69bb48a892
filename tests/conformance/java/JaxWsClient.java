import gatehouse.client.Account;
import gatehouse.client.AccountDecodeCookieResult;
import gatehouse.client.AccountLoginResult;
import gatehouse.client.IAccount;
import gatehouse.client.ServiceResult;
import java.net.URL;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import javax.xml.bind.JAXBElement;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.soap.SOAPFaultException;

/** The story of a client that wsimport made: log in, come back with the cookie, log off, be refused, meet a fault. */
public class JaxWsClient {
    private static int failures = 0;

    public static void main(String[] args) throws Exception {
        URL description = new URL(args[0]);
        String email = args[1], password = args[2], role = args[3], token = args[4];
        IAccount port = new Account(description).getPort(IAccount.class);

        AccountLoginResult login = logIn(port, email, password, role, token);
        check("login succeeds", "Success", text(login.getKey()));
        check("code", 0, login.getCode());
        check("is success", true, login.isIsSuccess());
        check("address of the account", email, text(login.getEmail()));
        check("status", "Active", text(login.getAccountStatus()));
        check("name of the header", "credentialsToken", text(login.getCredentialsHeaderName()));
        check("session is given", true, text(login.getCredentialsToken()).length() > 20);
        check("login cookie is given", true, text(login.getEncodedCookie()).length() > 20);

        AccountLoginResult second = logIn(port, email, password, role, token);
        check("moment of the last login", true, second.getLastLogin().getValue().getYear() > 2000);

        AccountDecodeCookieResult decoded = port.decodeLoginCookie(token, text(login.getEncodedCookie()));
        check("cookie is decoded", "Success", text(decoded.getKey()));
        check("cookie is of the account", email, text(decoded.getEmail()));

        sendHeader(port, "applicationToken", token);
        check("log off without a session", "Success", text(port.logOff().getKey()));
        sendHeader(port, "credentialsToken", text(login.getCredentialsToken()));
        ServiceResult same = port.updatePassword("not the password", "A new and long passphrase 1");
        check("session comes by header", "InvalidCredentials", text(same.getKey()));
        check("log off", "Success", text(port.logOff().getKey()));
        check("session has ended", "SessionExpired", text(port.logOff().getKey()));

        AccountLoginResult refused = logIn(port, email, "not the password", role, token);
        check("refusal", "InvalidCredentials", text(refused.getKey()));
        check("refusal is no success", false, refused.isIsSuccess());
        check("refusal gives no session", null, text(refused.getCredentialsToken()));

        Map<String, Object> context = ((BindingProvider) port).getRequestContext();
        context.put(BindingProvider.SOAPACTION_USE_PROPERTY, true);
        context.put(BindingProvider.SOAPACTION_URI_PROPERTY, "http://tempuri.org/IAccount/Unknown");
        try {
            port.logOff();
            check("fault", "a fault", "none");
        } catch (SOAPFaultException fault) {
            javax.xml.soap.SOAPFault found = fault.getFault();
            String codes = found.getFaultCode();
            for (java.util.Iterator<?> each = subcodes(found); each.hasNext(); ) {
                codes += " " + each.next();
            }
            check("fault names the action", true, codes.contains("ActionNotSupported"));
        }
        System.exit(failures == 0 ? 0 : 1);
    }

    private static AccountLoginResult logIn(IAccount port, String email, String password, String role, String token) {
        return port.login(email, null, password, null, role, null, token, null, null, true);
    }

    private static java.util.Iterator<?> subcodes(javax.xml.soap.SOAPFault fault) {
        try {
            return fault.getFaultSubcodes();
        } catch (UnsupportedOperationException soap11) {
            return Collections.emptyIterator();
        }
    }

    private static void sendHeader(IAccount port, String name, String value) {
        Map<String, List<String>> headers = Collections.singletonMap(name, Collections.singletonList(value));
        ((BindingProvider) port).getRequestContext().put(MessageContext.HTTP_REQUEST_HEADERS, headers);
    }

    private static String text(JAXBElement<String> element) {
        return element == null || element.isNil() ? null : element.getValue();
    }

    private static void check(String what, Object expected, Object found) {
        boolean same = expected == null ? found == null : expected.equals(found);
        failures += same ? 0 : 1;
        System.out.println((same ? "ok " : "not ok ") + what + (same ? "" : ": " + found));
    }
}
