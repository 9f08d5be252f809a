import { deepEqual, equal } from "node:assert/strict";
import type { Endpoint, Path } from "../../../agent/dataplane/link.ts";
import { DirectSearch } from "../../../agent/dataplane/path/direct-search.ts";
import { firstPath, initiationWays, samePath } from "../../../agent/dataplane/path/paths.ts";

const timings = { directAttemptMs: 3_000, directRetryMs: 60_000 };
const busy = { wanted: true, lastDataSentAt: Infinity };

/** Asks the search whenever it wants to be asked, for so long; what it said and when. */
function follow(search: DirectSearch, untilMs: number, state = busy): string[] {
  const said: string[] = [];
  while (search.at <= untilMs) {
    const at = search.at;
    said.push(`${at} ${search.next(state, at)}`);
  }
  return said;
}

Deno.test("The end that goes first makes three attempts at once, the other one after them", () => {
  const [first, second] = [new DirectSearch(timings), new DirectSearch(timings)];
  first.plan(true, true, 1_000);
  second.plan(true, false, 1_000);
  deepEqual(follow(first, 30_000), ["1000 attempt", "4000 attempt", "7000 attempt", "10000 give up"]);
  deepEqual(follow(second, 30_000), ["13000 attempt", "16000 attempt", "19000 attempt", "22000 give up"]);
});

Deno.test("A search that found nothing comes again while there is traffic, and not without", () => {
  const search = new DirectSearch(timings);
  search.plan(true, true, 0);
  follow(search, 9_000);
  equal(search.at, 69_000);
  equal(follow(search, 78_000).length, 4);
  follow(search, 200_000, { wanted: true, lastDataSentAt: 0 });
  equal(search.at, Infinity);
});

Deno.test("A handshake in the middle of a search does not begin it anew, and one on a direct path ends it", () => {
  const search = new DirectSearch(timings);
  search.plan(true, true, 0);
  follow(search, 3_000);
  search.plan(true, true, 4_000);
  equal(search.at, 6_000);
  search.plan(false, true, 5_000);
  equal(search.at, Infinity);
  search.plan(true, true, 6_000);
  equal(follow(search, 14_999).length, 3);
});

Deno.test("A path that has become direct meanwhile needs no attempt", () => {
  const search = new DirectSearch(timings);
  search.plan(true, true, 0);
  deepEqual(follow(search, 100, { ...busy, wanted: false }), ["0 nothing"]);
  equal(search.at, Infinity);
});

const endpoint = (port: number): Endpoint => ({ address: new Uint8Array(16), port });
const udp = (port: number): Path => ({ via: "udp", endpoint: endpoint(port) });
const relay: Path = { via: "relay" };
const endpoints = [endpoint(1), endpoint(2)];

Deno.test("A peer's first path is the relay, else its first address, else none", () => {
  deepEqual(firstPath({ relay: true, endpoints }), relay);
  deepEqual(firstPath({ relay: false, endpoints }), udp(1));
  deepEqual(firstPath({ relay: false, endpoints: [] }), { via: "none" });
  equal(samePath(udp(1), udp(1)), true);
  equal(samePath(udp(1), udp(2)), false);
  equal(samePath(udp(1), relay), false);
});

/** What an initiation goes over: the relay and ports. */
function goes(path: Path, relayed: boolean, attempts: number, search: boolean): unknown[] {
  const ways = initiationWays(path, { endpoints, relay: relayed }, attempts, search);
  return [...ways.relay ? ["relay"] : [], ...ways.endpoints.map(({ port }) => port)];
}

Deno.test("An initiation goes to the address in use alone, and to all when that is none, is silent, or is searched", () => {
  deepEqual(goes(udp(2), true, 5, false), ["relay", 2]);
  deepEqual(goes(udp(2), true, 5, true), [2, 1]);
  deepEqual(goes(udp(2), false, 1, false), [2]);
  deepEqual(goes(udp(2), false, 2, false), [2, 1]);
  deepEqual(goes(udp(9), false, 2, false), [9, 1, 2]);
  deepEqual(goes(relay, true, 1, true), [1, 2]);
  deepEqual(goes(relay, false, 1, false), [1, 2]);
  deepEqual(goes({ via: "none" }, false, 1, false), [1, 2]);
});

Deno.test("Every third initiation that would go by the relay goes to the addresses instead, where there are any", () => {
  const attempts = [1, 2, 3, 4, 5, 6].map((attempt) => goes(relay, true, attempt, false));
  deepEqual(attempts, [["relay"], ["relay"], [1, 2], ["relay"], ["relay"], [1, 2]]);
  deepEqual(initiationWays(relay, { endpoints: [], relay: true }, 3, false), { endpoints: [], relay: true });
});
