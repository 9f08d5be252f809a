import { env, SELF } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { app } from "../../../worker/app.ts";
import { readConfig } from "../../../worker/config.ts";
import { base, post, type ReceivedEnvelope, signUpSomeone } from "../support/api.ts";

const refused = async (response: Response) => {
  const { success, data, error } = await response.json<ReceivedEnvelope>();
  expect([success, data]).toEqual([false, null]);
  return [response.status, error?.code, error?.message];
};

describe("every answer", () => {
  it("names its request and forbids sniffing and caching", async () => {
    const [one, other] = [await SELF.fetch(`${base}/derp/probe`), await SELF.fetch(`${base}/api/nothing`)];
    for (const { headers } of [one, other]) {
      expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toBe("no-store");
    }
    expect(one.headers.get("x-request-id")).not.toBe(other.headers.get("x-request-id"));
  });
});

describe("a path", () => {
  it("that nobody serves is NOT_FOUND", async () => {
    expect(await refused(await SELF.fetch(`${base}/api/nothing`))).toEqual([404, "NOT_FOUND", "Not found"]);
    expect(await refused(await SELF.fetch(`${base}/api/auth/me/more`))).toEqual([404, "NOT_FOUND", "Not found"]);
  });

  it.each([["DELETE", "/api/auth/login", "POST"], ["POST", "/api/auth/me", "GET"], [
    "PUT",
    "/api/db/machines",
    "DELETE, GET, PATCH, POST",
  ]])(
    "refuses %s %s and says what it takes",
    async (method, path, allowed) => {
      const response = await SELF.fetch(base + path, { method });
      expect(response.headers.get("allow")).toBe(allowed);
      expect(await refused(response)).toEqual([405, "METHOD_NOT_ALLOWED", "Method not allowed"]);
    },
  );
});

describe("a body", () => {
  const send = async (body: BodyInit) => refused(await SELF.fetch(`${base}/api/auth/login`, { method: "POST", body }));

  it.each(["", "{", "not json", "{'a':1}", "\u0000"])("of %j is refused as no JSON with INVALID_JSON", async (body) => {
    expect(await send(body)).toEqual([400, "INVALID_JSON", "Request body must be valid JSON"]);
  });

  it.each(["[]", "null", "7", '"text"', "true"])("of %s is refused as no object", async (body) => {
    expect(await send(body)).toEqual([400, "INVALID_JSON", "Request body must be a JSON object"]);
  });

  it("over the limit is refused, told or counted", async () => {
    const big = JSON.stringify({ email: "x".repeat(65_536), password: "x" });
    expect((await send(big)).slice(0, 2)).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const pumping = (async () => {
      for (;;) await writer.write(new Uint8Array(10_000).fill(32));
    })().catch(() => "stopped");
    expect((await send(readable)).slice(0, 2)).toEqual([413, "PAYLOAD_TOO_LARGE"]);
    expect(await pumping).toBe("stopped");
  });

  it("in chunks within the limit is read, also when a letter is cut in two", async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ email: "é", password: "x" }));
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const cut = bytes.indexOf(0xc3) + 1;
    void writer.write(bytes.slice(0, cut)).then(() => writer.write(bytes.slice(cut))).then(() => writer.close());
    expect(await send(readable)).toEqual([400, "INVALID_INPUT", "email must be an e-mail address"]);
  });

  it("of great depth or with odd names does no harm", async () => {
    const deep = `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`;
    expect((await send(deep))[1]).toBe("MISSING_FIELDS");
    expect((await send('{"__proto__":{"email":"x"},"constructor":1}'))[2]).toBe("email, password required");
  });
});

describe("an action", () => {
  it("must be named (MISSING_FIELDS), and known (UNKNOWN_ACTION), by somebody with a token (UNAUTHORIZED)", async () => {
    const authorization = `Bearer ${(await signUpSomeone()).token}`;
    const ask = async (body: unknown, headers = { authorization }) =>
      (await post("/api/org-management", body, headers)).envelope.error;
    expect(await ask({})).toEqual({ code: "MISSING_FIELDS", message: "action required" });
    expect(await ask({ action: "explode" })).toEqual({ code: "UNKNOWN_ACTION", message: "Unknown action: explode" });
    expect(await ask({ action: { a: 1 } })).toMatchObject({ code: "UNKNOWN_ACTION" });
    expect(await ask({ action: "__proto__" })).toMatchObject({ code: "UNKNOWN_ACTION" });
    expect(await ask({ action: "create" })).toEqual({ code: "MISSING_FIELDS", message: "name required" });
    expect((await post("/api/org-management", { action: "explode" })).envelope.error?.code).toBe("UNAUTHORIZED");
  });
});

describe("the unexpected", () => {
  it("is logged whole under the request's id and shown as INTERNAL_ERROR alone", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = {
      ...env,
      DB: {
        prepare: () => {
          throw new Error("the disk of 10.1.2.3 is full");
        },
      },
    };
    const request = new Request(`${base}/api/auth/login`, {
      method: "POST",
      body: JSON.stringify({ email: "a@example.com", password: "secret password" }),
    });
    const response = await app.fetch(request, broken as never);
    expect(await refused(response.clone())).toEqual([
      500,
      "INTERNAL_ERROR",
      "Something went wrong on our side. Try again.",
    ]);
    expect(await response.text()).not.toContain("disk");
    expect(log).toHaveBeenCalledTimes(1);
    const line = String(log.mock.calls[0]?.[0]);
    expect(line).toContain("the disk of 10.1.2.3 is full");
    expect(line).toContain(response.headers.get("x-request-id")!);
    expect(line).not.toContain("secret password");
    log.mockRestore();
  });
});

describe("the configuration", () => {
  it.each([
    [{ ZTNA_LIMITS: '{"loginperip":1}' }, "ZTNA_LIMITS: unknown key loginperip"],
    [{ ZTNA_LIMITS: "nonsense" }, "ZTNA_LIMITS must be a JSON object"],
    [{ ZTNA_TIMINGS: '{"heartbeat_s":-1}' }, /^ZTNA_TIMINGS: heartbeat_s: /],
    [{ ZTNA_SECRET: "short" }, "ZTNA_SECRET must be 64 hex digits"],
    [{ ZTNA_SECRET: undefined }, "ZTNA_SECRET must be 64 hex digits"],
    [{ ZTNA_MAIL_URL: "mail.example.com" }, "ZTNA_MAIL_URL must be an http or https URL"],
    [{ ZTNA_MAIL_URL: "https://mail.test" }, "ZTNA_MAIL_FROM must be the sender's address when ZTNA_MAIL_URL is set"],
    [{ ZTNA_JWT_KEY: undefined }, "ZTNA_JWT_KEY must be an ES256 private key as a JWK"],
  ])("with %j is refused in one line", (bindings, message) => {
    expect(() => readConfig({ ...env, ...bindings } as never)).toThrow(message);
  });

  it("is read once per environment", () => {
    expect(readConfig(env as Env)).toBe(readConfig(env as Env));
  });
});
