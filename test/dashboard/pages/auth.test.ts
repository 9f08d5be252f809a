import { expect, inject, test } from "vitest";
import { login, refresh } from "#protocol/api/auth.ts";
import { useBrowser } from "../support/browser.ts";
import { api, newEmail, newOwner, password, signIn } from "../support/people.ts";

const visitor = useBrowser();

test("a new person signs up, founds an org and lands on its empty machine list", async () => {
  const page = await visitor.open();
  await page.goto("/");
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.getByLabel("Full name").fill("Ada");
  await page.getByLabel("Email").fill(newEmail("ada"));
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Create account" }).click();

  await page.getByLabel("Organization name").fill("Analytical Engines");
  await page.getByRole("button", { name: "Create organization" }).click();

  await page.getByRole("heading", { name: "Add your first machine" }).waitFor();
  expect(new URL(page.url()).pathname).toBe("/machines");
  expect(await page.getByRole("button", { name: "Organization: Analytical Engines" }).isVisible()).toBe(true);
  expect(visitor.complaints).toEqual([]);
});

test("a wrong password shows the catalogue's text and keeps the email", async () => {
  const { email } = await newOwner();
  const page = await visitor.open();
  await page.goto("/auth");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.keyboard.press("Enter");
  expect(await page.getByRole("alert").textContent()).toBe("Invalid email or password");
  expect(await page.getByLabel("Email").inputValue()).toBe(email);
});

test("a form with mistakes names them, asks nothing of the server and puts the focus on the first", async () => {
  const page = await visitor.open();
  let asked = 0;
  page.on("request", (request) => request.method() === "POST" && asked++);
  await page.goto("/auth?mode=signup");
  await page.getByLabel("Email").fill("nobody");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByText("Email must be an e-mail address").waitFor();
  await page.getByText("Password must be at least 8 characters").waitFor();
  expect(await page.getByLabel("Email").evaluate((input) => input === document.activeElement)).toBe(true);
  expect(asked).toBe(0);
});

test("a link into the dashboard survives the sign-in", async () => {
  const { email } = await newOwner();
  const page = await visitor.open();
  await signIn(page, email, "/settings/general");
  await page.getByText("Organization ID").waitFor();
  expect(new URL(page.url()).pathname).toBe("/settings/general");
});

test("a next path that leads to another site is not followed", async () => {
  const { email } = await newOwner();
  const page = await visitor.open();
  await signIn(page, email, "/auth?next=https%3A%2F%2Fexample.org%2F");
  expect(new URL(page.url()).origin).toBe(inject("url"));
});

test("an access token that was refused is renewed by the cookie without a word", async () => {
  const { email } = await newOwner();
  const page = await visitor.open();
  await signIn(page, email);
  const stale = await page.evaluate(() => {
    const token = localStorage.getItem("access_token") ?? "";
    const broken = `${token.slice(0, -8)}AAAAAAAA`;
    localStorage.setItem("access_token", broken);
    return broken;
  });
  const renewals: string[] = [];
  page.on(
    "request",
    (request) => request.url().endsWith("/api/auth/refresh") && renewals.push(request.postData() ?? ""),
  );
  await page.reload();
  await page.getByRole("heading", { name: "Add your first machine" }).waitFor();
  expect(await page.evaluate(() => localStorage.getItem("access_token"))).not.toBe(stale);
  expect(renewals).toEqual(["{}"]);
});

test("a session the server no longer knows ends in every tab and says so", async () => {
  const { email } = await newOwner();
  const page = await visitor.open();
  await signIn(page, email);
  const other = await page.context().newPage();
  await other.goto("/machines");
  await other.getByRole("heading", { name: "Add your first machine" }).waitFor();
  const spent = (await page.context().cookies()).find(({ name }) => name === "__Host-refresh_token")?.value ?? "";
  await api(refresh, { refresh_token: spent });
  await page.evaluate(() => localStorage.setItem("access_token", `${localStorage.getItem("access_token")}AAAA`));
  await page.reload();
  await page.getByText("Your session has ended. Sign in again.").waitFor();
  await other.getByRole("heading", { name: "Sign in to QuickZTNA" }).waitFor();
  expect(await page.evaluate(() => localStorage.getItem("access_token"))).toBe(null);
});

test("signing out ends the session on the server too", async () => {
  const { email } = await newOwner();
  const page = await visitor.open();
  await signIn(page, email);
  const cookie = (await page.context().cookies()).find(({ name }) => name === "__Host-refresh_token");
  expect(cookie?.httpOnly).toBe(true);
  await page.getByRole("button", { name: `Account: ${email}` }).click();
  const answered = page.waitForResponse((response) => response.url().endsWith("/api/auth/logout"));
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await answered;
  await page.getByRole("heading", { name: "Sign in to QuickZTNA" }).waitFor();
  expect(new URL(page.url()).search).toBe("");
  await expect(api(refresh, { refresh_token: cookie?.value })).rejects.toMatchObject({ code: "INVALID_TOKEN" });
  expect((await api(login, { email, password })).user.email).toBe(email);
});
