import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, inject, test } from "vitest";
import { me } from "#protocol/api/auth.ts";
import { completeCliLogin } from "#protocol/api/cli-login.ts";
import { lowContrastTexts } from "../support/contrast.ts";
import { useBrowser } from "../support/browser.ts";
import { api, newOwner, password } from "../support/people.ts";

const visitor = useBrowser();

/** The waiting half of `ztna login`. */
async function startCli() {
  const came = Promise.withResolvers<URLSearchParams>();
  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://127.0.0.1");
    if (url.pathname === "/callback") came.resolve(url.searchParams);
    response.end("You are logged in.");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const verifier = randomBytes(32).toString("base64url");
  const query = {
    redirect_uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    state: randomBytes(16).toString("base64url"),
    host: "Linux-C",
  };
  const path = (more: Record<string, string> = {}) => `/cli-login?${new URLSearchParams({ ...query, ...more })}`;
  return { path, verifier, state: query.state, came: came.promise, [Symbol.dispose]: () => void server.close() };
}

async function fillIn(page: Awaited<ReturnType<typeof visitor.open>>, email: string): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a person signs in with a password and connects the CLI that opened the page", async () => {
  const { email, session } = await newOwner();
  using cli = await startCli();
  const page = await visitor.open();
  await page.goto(cli.path());
  await fillIn(page, email);
  await page.getByRole("heading", { name: "Connect this machine's CLI" }).waitFor();
  expect(await page.getByText(`ztna on Linux-C asks to be logged in as ${email}`).isVisible()).toBe(true);
  expect(await lowContrastTexts(page)).toEqual([]);
  await page.getByRole("button", { name: "Connect" }).click();
  const answer = await cli.came;
  expect(answer.get("state")).toBe(cli.state);
  const code = answer.get("code") ?? "";
  const login = await api(completeCliLogin, { code, code_verifier: cli.verifier });
  expect(login.user.id).toBe(session.user.id);
  expect((await api(me, {}, login.token)).email).toBe(email);
  await page.getByText("You are logged in.").waitFor();
  expect(visitor.complaints).toEqual([]);
});

test("cancelling tells the CLI, without any code", async () => {
  const { email } = await newOwner();
  using cli = await startCli();
  const page = await visitor.open();
  await page.goto(cli.path());
  await fillIn(page, email);
  await page.getByRole("button", { name: "Cancel" }).click();
  expect(Object.fromEntries(await cli.came)).toEqual({ error: "access_denied", state: cli.state });
});

test("another account can be chosen, and the CLI still gets its answer", async () => {
  const [first, second] = [await newOwner(), await newOwner()];
  using cli = await startCli();
  const page = await visitor.open();
  await page.goto(cli.path());
  await fillIn(page, first.email);
  await page.getByRole("button", { name: "Use another account" }).click();
  await fillIn(page, second.email);
  await page.getByText(`asks to be logged in as ${second.email}`).waitFor();
});

test.each([
  "https://example.org/callback",
  "http://127.0.0.1.example.org:80/callback",
  "http://127.0.0.1:80@example.org/callback",
  "http://127.0.0.1:8080/other",
  "http://localhost:8080/callback",
  "javascript:alert(1)",
])("no code is made for %s", async (redirect_uri) => {
  const { email } = await newOwner();
  using cli = await startCli();
  const page = await visitor.open();
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(cli.path({ redirect_uri }));
  await fillIn(page, email);
  await page.getByText(`This link is not complete. Run "ztna login" again.`).waitFor();
  expect(await page.getByRole("button", { name: "Connect" }).count()).toBe(0);
  expect(asked).not.toContain("/api/auth");
  expect(new URL(page.url()).origin).toBe(inject("url"));
});
