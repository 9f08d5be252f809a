import { equal } from "node:assert/strict";
import { resolve } from "node:path";
import houseRules from "../../../tools/lint/house-rules.ts";

const root = resolve(import.meta.dirname!, "../../..");

const refused: readonly [file: string, source: string, message: string][] = [
  ["protocol/x.ts", `import "../worker/app.ts"`, "protocol may not import worker/app.ts"],
  ["protocol/x.ts", `import "hono"`, "hono is used in worker only"],
  ["domain/x/y.ts", `import "#protocol/ids"`, "Write the file's extension"],
  ["domain/x/y.ts", `import "../../protocol/ids.ts"`, "Write #protocol/ids.ts"],
  ["domain/x/y.ts", `import "#domain/x/z.ts"`, "Inside a room, import relatively"],
  ["domain/x/y.ts", `export const at = Date.now()`, "Date is ambient: take now"],
  ["domain/x/y.ts", `export const at = new Date()`, "Date is ambient: take now"],
  ["domain/x/y.ts", `export async function f() {}`, "Pure rooms do not wait"],
  ["domain/x/y.ts", `crypto.getRandomValues(new Uint8Array(1))`, "crypto is ambient: take randomBytes or an engine"],
  ["worker/db/x.ts", `import { f } from "#domain/x/y.ts"`, "worker/db may not import domain"],
  ["worker/routes/a.ts", `import "./b.ts"`, "worker/routes files may not import each other"],
  [
    "worker/routes/a.ts",
    `import "../../durable-objects/org/object.ts"`,
    "worker/routes may not import durable-objects",
  ],
  [
    "worker/routes/a.ts",
    `import "drizzle-orm"`,
    "drizzle-orm is used in worker/db and durable-objects/org/projection.ts and drizzle.config.ts only",
  ],
  [
    "durable-objects/org/object.ts",
    `import "../relay/object.ts"`,
    "durable-objects/org may not import its sibling relay",
  ],
  [
    "durable-objects/org/object.ts",
    `import "../../worker/routes/a.ts"`,
    "durable-objects may not import worker/routes",
  ],
  ["agent/dataplane/x.ts", `import "../daemon/loop.ts"`, "agent/dataplane may not import agent/daemon"],
  ["agent/dataplane/x.ts", `console.log(1)`, "A pure room does not log: hand out an event or a counter"],
  ["agent/dataplane/x.ts", `setTimeout(() => {}, 1)`, "Timers are ambient: say nextTimeout()"],
  ["agent/cli/up.ts", `import "../daemon/config.ts"`, "agent/cli may not import agent/daemon"],
  ["agent/daemon/x.ts", `import "commander"`, "commander is used in agent/cli only"],
  ["agent/daemon/x.ts", `import "../cli/up.ts"`, "agent/daemon may not import agent/cli"],
  ["dashboard/features/a/page.tsx", `import "../b/page.tsx"`, "dashboard/features/a may not import its sibling b"],
  ["dashboard/ui/button.tsx", `import "#protocol/ids.ts"`, "dashboard/ui may not import protocol"],
  ["agent/os/utils.ts", `export const a = 1`, "Name the file for the one thing it holds"],
  ["agent/os/x.ts", `export * from "./y.ts"`, "No barrels: import the file that says it"],
];

const allowed: readonly [file: string, source: string][] = [
  ["protocol/api/x.ts", `import "../ids.ts"; import "valibot"; export async function call() { await 1 }`],
  ["domain/x/y.ts", `import "#protocol/ids.ts"; import "../z/w.ts"; export const at = (now: number) => new Date(now)`],
  ["domain/x/y.ts", `export const f = (o: { fetch: number; now: number }) => o.fetch + o.now`],
  ["protocol/api/call.ts", `export const call = (fetch: () => void) => fetch()`],
  ["worker/db/x.ts", `import type { T } from "#domain/x/y.ts"; import { eq } from "drizzle-orm"`],
  ["worker/routes/a.ts", `import "../http/mount.ts"; import "#domain/x/y.ts"; import "hono"`],
  ["durable-objects/org/object.ts", `import "./store/a.ts"; import "../../worker/config.ts"`],
  ["agent/dataplane/x.ts", `import "../crypto/engine.ts"; import "./wireguard/y.ts"`],
  ["agent/daemon/x.ts", `import "../net/udp.ts"; console.log(Date.now())`],
  ["agent/cli/up.ts", `import "commander"; import "#protocol/local/daemon.ts"`],
  ["test/agent/x.test.ts", `import "../../agent/daemon/config.ts"`],
];

for (const [file, source, message] of refused) {
  Deno.test(`house rules refuse in ${file}: ${source}`, () => {
    const found = Deno.lint.runPlugin(houseRules, resolve(root, file), source);
    equal(found[0]?.message, message);
  });
}

for (const [file, source] of allowed) {
  Deno.test(`house rules allow in ${file}: ${source}`, () => {
    equal(Deno.lint.runPlugin(houseRules, resolve(root, file), source).map(({ message }) => message).join(), "");
  });
}
