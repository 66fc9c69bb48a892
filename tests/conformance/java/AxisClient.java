import gatehouse.client.AccountLocator;
import gatehouse.client.AccountLoginResult;
import gatehouse.client.BasicHttpBinding_IAccountStub;
import gatehouse.client.ServiceResult;
import java.net.URL;
import org.apache.axis.AxisFault;

/** The story of a client that WSDL2Java of Axis 1 made, as there are from the years of Java 1.4. */
public class AxisClient {
    private static int failures = 0;

    public static void main(String[] args) throws Exception {
        String email = args[1], password = args[2], role = args[3], token = args[4];
        URL address = new URL(args[0].substring(0, args[0].indexOf('?')));
        AccountLocator service = new AccountLocator();
        BasicHttpBinding_IAccountStub port = new BasicHttpBinding_IAccountStub(address, service);
        port.setMaintainSession(true);

        AccountLoginResult login = logIn(port, email, password, role, token);
        check("login succeeds", "Success", login.getKey());
        check("code", Integer.valueOf(0), login.getCode());
        check("is success", Boolean.TRUE, login.getIsSuccess());
        check("address of the account", email, login.getEmail());
        check("session is given", Boolean.TRUE, Boolean.valueOf(login.getCredentialsToken().length() > 20));

        ServiceResult same = port.updatePassword("not the password", "A new and long passphrase 1");
        check("session comes by cookie", "InvalidCredentials", same.getKey());

        String decoded = port.decodeLoginCookie(token, login.getEncodedCookie()).getEmail();
        check("cookie is of the account", email, decoded);
        check("log off", "Success", port.logOff().getKey());

        AccountLoginResult refused = logIn(port, email, "not the password", role, token);
        check("refusal", "InvalidCredentials", refused.getKey());
        check("refusal gives no session", null, refused.getCredentialsToken());

        try {
            // A header that must be understood, and is not.
            org.apache.axis.message.SOAPHeaderElement header =
                new org.apache.axis.message.SOAPHeaderElement("urn:unknown", "Unknown", "x");
            header.setMustUnderstand(true);
            port.setHeader(header);
            port.logOff();
            check("fault", "a fault", "none");
        } catch (AxisFault fault) {
            check("fault has its code", "MustUnderstand", fault.getFaultCode().getLocalPart());
        }
        System.exit(failures == 0 ? 0 : 1);
    }

    private static AccountLoginResult logIn(
        BasicHttpBinding_IAccountStub port, String email, String password, String role, String token
    ) throws Exception {
        return port.login(email, null, password, null, role, null, token, null, null, Boolean.TRUE);
    }

    private static void check(String what, Object expected, Object found) {
        boolean same = expected == null ? found == null : expected.equals(found);
        failures += same ? 0 : 1;
        System.out.println((same ? "ok " : "not ok ") + what + (same ? "" : ": " + found));
    }
}
