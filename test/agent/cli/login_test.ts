import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { loginInBrowser } from "../../../agent/daemon/browser-login.ts";
import { readConfig } from "../../../agent/daemon/config.ts";
import { type Answer, type Asked, startControlPlane } from "./support/control-plane.ts";
import { Terminal } from "./support/terminal.ts";

const session = {
  token: "t",
  access_token: "t",
  refresh_token: "r",
  expires_in: 3600,
  user: { id: "11111111-2222-4333-8444-555555555555", email: "a@example.com" },
};
const COMPLETE = "/api/auth cli_complete";

/** A login that waits for the browser, and the parts of the page's address. */
async function startLogin(answer: (asked: Asked) => Answer, provider?: string) {
  const plane = await startControlPlane({ [COMPLETE]: answer });
  const terminal = new Terminal({ ZTNA_API_URL: `${plane.url}/api` });
  const url = Promise.withResolvers<URL>();
  const ended = loginInBrowser(readConfig(), { provider, timeoutMs: 20_000 }, (text) => url.resolve(new URL(text)))
    .then(() => "ok", (error: Error) => error.message);
  const page = await url.promise;
  const back = async (query: Record<string, string>) => {
    const response = await fetch(`${page.searchParams.get("redirect_uri")}?${new URLSearchParams(query)}`);
    return { status: response.status, text: await response.text() };
  };
  return { plane, terminal, page, ended, back, state: page.searchParams.get("state")! };
}

Deno.test("ztna login trades the code of the browser with a verifier that was never shown", async () => {
  const { plane, terminal, page, ended, back, state } = await startLogin(() => ({ data: session }));
  await using _ = plane;
  using __ = terminal;
  assert.equal(page.origin + page.pathname, `${plane.url}/cli-login`);
  assert.match(page.searchParams.get("redirect_uri")!, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
  assert.equal(page.searchParams.get("host"), Deno.hostname());
  const answered = await back({ code: "one-time", state });
  assert.equal(answered.status, 200);
  assert.match(answered.text, /You are logged in\. You can close this window/);
  assert.equal(await ended, "ok");
  const { body } = plane.asked[0]!;
  assert.equal(body["code"], "one-time");
  const hash = createHash("sha256").update(String(body["code_verifier"])).digest("base64url");
  assert.equal(hash, page.searchParams.get("code_challenge"));
  assert.deepEqual(terminal.readJson("tokens.json"), {
    access_token: "t",
    refresh_token: "r",
    api_url: plane.url,
  });
  assert.equal((Deno.statSync(terminal.path("tokens.json")).mode ?? 0) & 0o777, 0o600);
});

Deno.test("a stranger who finds the port of ztna login neither ends the wait nor gets a code traded", async () => {
  const { plane, terminal, ended, back, state } = await startLogin(() => ({ data: session }));
  await using _ = plane;
  using __ = terminal;
  for (const query of [{}, { code: "x" }, { code: "x", state: "guessed" }, { error: "access_denied", state: "" }]) {
    assert.equal((await back(query as Record<string, string>)).status, 404);
  }
  assert.deepEqual(plane.asked, []);
  assert.equal((await back({ code: "one-time", state })).status, 200);
  assert.equal(await ended, "ok");
});

Deno.test("ztna login, ztna login --github and ztna login --google say why they failed in the browser", async () => {
  const cases: [Record<string, string>, string | undefined, string][] = [
    [{ error: "access_denied" }, undefined, "login failed: refused in the browser"],
    [{ code: "old" }, undefined, "login failed: Invalid or expired code"],
    [{ error: "access_denied" }, "github", "github callback failed"],
    [{ code: "old" }, "google", "google callback failed"],
  ];
  for (const [query, provider, expected] of cases) {
    const { plane, terminal, ended, back, state, page } = await startLogin(() => ({ code: "INVALID_CODE" }), provider);
    await using _ = plane;
    using __ = terminal;
    assert.equal(page.searchParams.get("provider"), provider ?? null);
    await back({ ...query, state });
    assert.equal(await ended, expected);
    assert.throws(() => Deno.statSync(terminal.path("tokens.json")), Deno.errors.NotFound);
  }
});

Deno.test("ztna login shows where to go and gives up after --timeout", async () => {
  using terminal = new Terminal({ ZTNA_API_URL: "http://127.0.0.1:9" });
  const { code, out, err } = await terminal.ztna("login", "--github", "--timeout", "10ms");
  assert.deepEqual({ code, err }, { code: 1, err: "authentication timed out\n" });
  const [first, second] = out.split("\n");
  assert.equal(first, "To authenticate, visit:");
  assert.match(second!, /^ {2}http:\/\/127\.0\.0\.1:9\/cli-login\?redirect_uri=\S+&provider=github$/);
});

Deno.test({
  name: "ztna login --interactive asks at the terminal and shows stars for the password",
  // util-linux' `script` gives the program a terminal.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using plane = await startControlPlane({ "/api/auth/login": () => ({ data: session }) });
    using _ = new Terminal({ ZTNA_API_URL: plane.url });
    const main = new URL("../../../agent/main.ts", import.meta.url).pathname;
    const command = `${Deno.execPath()} run --quiet --no-lock --cached-only --no-prompt -A ${main} login --interactive`;
    const child = new Deno.Command("script", {
      args: ["-qfec", command, "/dev/null"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const typist = child.stdin.getWriter();
    const type = (text: string) => typist.write(new TextEncoder().encode(text));
    let shown = "";
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const before = shown;
      shown += decoder.decode(chunk);
      const appears = (text: string) => shown.includes(text) && !before.includes(text);
      if (appears("Email: ")) await type("ab\x7f@example.com\r");
      if (appears("Password: ")) await type("sEcrex\x7ft\x1b[A\r");
    }
    assert.equal((await child.status).success, true, shown);
    await typist.close().catch(() => undefined);
    assert.match(shown, /^Email: ab[^]*@example\.com\r\nPassword: \*{6}[^]*\*\r\nLogin successful!\r\n$/);
    assert.deepEqual(plane.asked.map(({ body }) => body), [{ email: "a@example.com", password: "sEcret" }]);
  },
});
