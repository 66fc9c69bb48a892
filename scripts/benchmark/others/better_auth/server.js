// better-auth with e-mail and password, as its documentation sets it up, on SQLite. Arguments: the port, the database's
// file, and the memory in KiB, passes and lanes of Argon2id.
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { hash, verify } from "@node-rs/argon2";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";

const [port, file, memoryCost, timeCost, parallelism] = process.argv.slice(2);
const database = new DatabaseSync(file);
// As ours has it.
database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
const parameters = {
  memoryCost: Number(memoryCost),
  timeCost: Number(timeCost),
  parallelism: Number(parallelism),
};
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: "benchmark".repeat(4),
  database,
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => hash(password, parameters),
      verify: ({ hash: kept, password }) => verify(kept, password),
    },
  },
  // All calls come from one address.
  rateLimit: { enabled: false },
};
await (await getMigrations(options)).runMigrations();
const auth = betterAuth(options);
await auth.api.signUpEmail({
  body: { email: "bench@example.com", password: "correct horse battery staple", name: "Bench" },
});
const server = createServer(toNodeHandler(auth));
server.keepAliveTimeout = 30_000;
server.listen(Number(port), "127.0.0.1");
