import { expect, test } from "vitest";
import { readOptions } from "../../../../tools/start/options.ts";

test("npm start listens on localhost:8787 when nothing is said", () => {
  expect(readOptions([], {})).toMatchObject({ host: "localhost", port: 8787, limits: "{}", timings: "{}" });
});

test("flags and environment are taken over", () => {
  const env = { ZTNA_OWNER_EMAIL: "a@b.example", ZTNA_OWNER_PASSWORD: "long enough", ZTNA_LIMITS: `{"body_bytes":1}` };
  const mail = { ZTNA_MAIL_URL: "https://mail.example/send", ZTNA_MAIL_FROM: "Lab <noreply@b.example>" };
  expect(readOptions(["--port", "9000", "--host", "0.0.0.0", "--state", "/tmp/x"], { ...env, ...mail })).toMatchObject({
    port: 9000,
    host: "0.0.0.0",
    state: "/tmp/x",
    owner: { email: "a@b.example", password: "long enough" },
    limits: `{"body_bytes":1}`,
    mail,
  });
});

test.each([
  [["--prot", "1"], {}, /^Unknown option '--prot'\. Usage: npm start/],
  [["--port", "70000"], {}, "--port must be a number from 1 to 65535, not 70000"],
  [[], { ZTNA_OWNER_EMAIL: "me" }, "ZTNA_OWNER_EMAIL must be an e-mail address"],
  [[], { ZTNA_OWNER_PASSWORD: "short" }, "ZTNA_OWNER_PASSWORD must be at least 8 characters"],
  [[], { ZTNA_LIMITS: `{"machine_qota":1}` }, "ZTNA_LIMITS: unknown key machine_qota"],
  [[], { ZTNA_TIMINGS: "soon" }, "ZTNA_TIMINGS must be a JSON object"],
  [
    [],
    { ZTNA_MAIL_FROM: "O'Hara <o@b.example>" },
    "ZTNA_MAIL_FROM must not contain quotes, backslashes or line breaks",
  ],
  [[], { ZTNA_OWNER_MAIL: "a@b.example" }, "Unknown environment variable ZTNA_OWNER_MAIL"],
])("npm start %j with %j is refused in one line", (args, env, message) => {
  expect(() => readOptions(args, env)).toThrow(message);
});
