import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { lowContrastTexts } from "../support/contrast.ts";
import { useBrowser } from "../support/browser.ts";

const visitor = useBrowser();
vi.setConfig({ testTimeout: 90_000 });

/** To the provider and back are two sites, a token exchange and the whole page anew. */
async function openPatiently(): Promise<Page> {
  const page = await visitor.open();
  page.setDefaultTimeout(40_000);
  return page;
}

test("a button for each provider that is set up, readable in both themes", async () => {
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await visitor.open({ colorScheme });
    await page.goto("/auth");
    for (const name of ["GitHub", "Google", "Acme SSO"]) {
      await page.getByRole("button", { name: `Continue with ${name}` }).waitFor();
    }
    expect(await lowContrastTexts(page)).toEqual([]);
  }
});

test.each(["GitHub", "Acme SSO"])(
  "a person who comes by %s for the first time founds an org and stays signed in",
  async (name) => {
    const page = await openPatiently();
    await page.goto("/");
    await page.getByRole("button", { name: `Continue with ${name}` }).click();
    await page.getByRole("link", { name: "Be Ada" }).click();
    await page.getByLabel("Organization name").waitFor();
    await page.getByLabel("Organization name").fill("Analytical Engines");
    await page.getByRole("button", { name: "Create organization" }).click();
    await page.getByRole("heading", { name: "Add your first machine" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Add your first machine" }).waitFor();
    expect(visitor.complaints).toEqual([]);
  },
);

test("who gives up at the provider is back at the form and told so", async () => {
  const page = await openPatiently();
  await page.goto("/settings/general");
  await page.getByRole("button", { name: "Continue with Google" }).click();
  await page.getByRole("link", { name: "Cancel" }).click();
  expect(await page.getByRole("alert").textContent()).toBe("The sign-in was cancelled or refused at the provider");
  expect(new URL(page.url()).searchParams.get("next")).toBe("/settings/general");
});

test("ztna login --github goes to the provider by itself and comes back to the question", async () => {
  const page = await openPatiently();
  const query = new URLSearchParams({
    redirect_uri: "http://127.0.0.1:9/callback",
    code_challenge: "A".repeat(43),
    state: "s-1",
    host: "Linux-C",
    provider: "github",
  });
  await page.goto(`/cli-login?${query}`);
  await page.getByRole("link", { name: "Be Ada" }).click();
  await page.getByText(/ztna on Linux-C asks to be logged in as ada-\d+@example\.test/).waitFor();
});

test("a state somebody made up ends at the form, with what to do", async () => {
  const page = await openPatiently();
  await page.goto("/api/auth/github/callback?code=x&state=forged");
  expect(await page.getByRole("alert").textContent()).toBe(
    "This sign-in took too long or was started in another browser. Try again.",
  );
});
