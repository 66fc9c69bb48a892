// Answers UpdatePassword of the contract with the same refusal each time. Arguments: the port, and the WSDL.
import { readFileSync } from "node:fs";
import http from "node:http";
import soap from "soap";

const [port, wsdl] = process.argv.slice(2);
const refusal = {
  Code: 40,
  IsSuccess: false,
  Key: "SessionRequired",
  Message: "A session is required.",
  Number: "",
};
const service = {
  Account: {
    BasicHttpBinding_IAccount: {
      UpdatePassword: ({ oldPassword, newPassword }) => {
        if (!oldPassword || !newPassword) throw new Error("the members were not read");
        return { UpdatePasswordResult: refusal };
      },
    },
  },
};

const server = http.createServer((_, response) => response.end());
server.keepAliveTimeout = 30_000;
server.listen(Number(port), "127.0.0.1", () => {
  soap.listen(server, "/v2/account.svc", service, readFileSync(wsdl, "utf8"));
});
