import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { login } from "#protocol/api/auth.ts";
import { call } from "#protocol/api/call.ts";
import type { Host } from "../../tools/lab/host.ts";
import { Network } from "../../tools/lab/network.ts";
import { processesOn } from "../../tools/lab/processes.ts";

/* `npm start` on one host without a neighbour: everything it starts stays in that host's namespace. */

const program = resolve(import.meta.dirname, "../../tools/start/main.ts");
let network: Network;
let host: Host;
let args: string[];

beforeAll(() => {
  network = new Network(`tls${process.pid}-`);
  host = network.add("control");
  args = [program, "--port", "8787", "--state", join(host.home, "state")];
});

afterAll(() => network.remove());

const up = "Press Ctrl+C to stop.";
let password: string;

test("the first start makes an owner, says where to log in and how to enrol this machine", async () => {
  const start = host.start("node", args);
  await start.prints(up, 60_000);
  expect(start.stdout).toContain("Log in at http://localhost:8787/");
  expect(start.stdout).toMatch(
    /export ZTNA_API_URL="http:\/\/localhost:8787"\n {2}export ZTNA_AUTH_KEY="tskey-auth-[0-9a-f]{64}"\n {2}npx ztna up\n/,
  );
  password = /password: +(\S+) /.exec(start.stdout)![1]!;
  const session = await call(host.fetch, "http://localhost:8787", login, { email: "owner@example.com", password });
  expect(session.user.email).toBe("owner@example.com");

  const second = await host.run("node", args);
  expect(second.code).toBe(1);
  expect(second.stderr).toBe(
    "Port 8787 is in use. Stop what listens there, or choose another: npm start -- --port 8788\n",
  );

  expect(await start.stop("SIGINT")).toBe(0);
  expect(processesOn(host)).toEqual([]);
});

test("the second start keeps the account and its secrets", async () => {
  const start = host.start("node", args);
  await start.prints(up, 60_000);
  expect(start.stdout).not.toContain(password);
  await call(host.fetch, "http://localhost:8787", login, { email: "owner@example.com", password });
  expect(await start.stop("SIGTERM")).toBe(0);
  expect(processesOn(host)).toEqual([]);
});

test("Ctrl+C while it is still starting leaves no process", async () => {
  const start = host.start("node", args);
  await start.prints("Starting the control plane");
  await new Promise((settle) => setTimeout(settle, 300));
  expect(await start.stop("SIGINT")).toBe(0);
  expect(processesOn(host)).toEqual([]);
});

test("what it keeps is for its owner's eyes only", () => {
  for (const name of ["", "secrets.json", "worker.env", "owner.json", "wrangler.log"]) {
    expect(statSync(join(host.home, "state", name)).mode & 0o077, name).toBe(0);
  }
});

test.each([
  ["ZTNA_LIMITS", `{"machine_qota": 1}`, "ZTNA_LIMITS: unknown key machine_qota\n"],
  ["ZTNA_TIMINGS", "soon", "ZTNA_TIMINGS must be a JSON object\n"],
  ["ZTNA_OWNER_MAIL", "a@b.example", "Unknown environment variable ZTNA_OWNER_MAIL\n"],
])("a wrong %s is one clear line", async (name, value, line) => {
  host.environment[name] = value;
  const { code, stderr, stdout } = await host.run("node", args);
  delete host.environment[name];
  expect({ code, stderr, stdout }).toEqual({ code: 1, stderr: line, stdout: "" });
});
