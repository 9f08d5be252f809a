import assert from "node:assert/strict";
import { chooseOrg } from "../../../agent/control/org-choice.ts";

const acme = { id: "1", name: "Acme", slug: "acme" };
const globex = { id: "2", name: "Globex", slug: "globex" };

Deno.test("the only organization is joined, whatever was joined before", () => {
  assert.deepEqual(chooseOrg([acme], undefined, "2"), { do: "join", org: acme });
});

Deno.test("of several, the one asked for by slug or id, else the one of last time", () => {
  assert.deepEqual(chooseOrg([acme, globex], "globex", "1"), { do: "join", org: globex });
  assert.deepEqual(chooseOrg([acme, globex], "1", "2"), { do: "join", org: acme });
  assert.deepEqual(chooseOrg([acme, globex], undefined, "2"), { do: "join", org: globex });
});

Deno.test("a choice that is open is refused with what there is to choose from", () => {
  const why = (...input: Parameters<typeof chooseOrg>) => {
    const choice = chooseOrg(...input);
    return choice.do === "refuse" ? choice.why : "joined";
  };
  assert.equal(
    why([acme, globex], undefined, "3"),
    "you belong to several organizations. Choose one with 'ztna up --org <slug>': acme (Acme), globex (Globex)",
  );
  assert.equal(why([acme], "globex", undefined), "you belong to no organization globex. Yours: acme (Acme)");
  assert.match(why([], undefined, undefined), /no organization yet\. Create one in the dashboard/);
});
