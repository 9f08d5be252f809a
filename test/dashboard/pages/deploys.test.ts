import type { Page } from "playwright-core";
import { expect, inject, test } from "vitest";
import { useBrowser } from "../support/browser.ts";
import { enter, newOwner } from "../support/people.ts";

const visitor = useBrowser();

test("a page whose main file came from an older deploy mends itself", async () => {
  const page = await visitor.open();
  const stale = await answerOnceWithThePage(page, /\/assets\/index-[^/]+\.js$/);
  await page.goto("/auth");
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  expect(stale.count).toBe(1);
});

test("an open page whose next chunk is gone loads the new deploy and goes on", async () => {
  const { session } = await newOwner();
  const page = await visitor.open();
  const stale = await answerOnceWithThePage(page, /\/assets\/settings-page-[^/]+\.js$/);
  await enter(page, session);
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Auth Keys" }).waitFor();
  expect(stale.count).toBe(1);
});

/** What a server of another deploy says to an address it does not know, kept by the browser as our headers ask. */
async function answerOnceWithThePage(page: Page, file: RegExp): Promise<{ count: number }> {
  const stale = { count: 0 };
  const body = await (await fetch(inject("url"))).text();
  await page.route(file, async (route) => {
    if (stale.count++ > 0) return await route.fallback();
    await route.fulfill({ contentType: "text/html", body });
  }, { times: 1 });
  return stale;
}
