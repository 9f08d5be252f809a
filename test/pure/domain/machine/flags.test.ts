import { describe, expect, it } from "vitest";
import { checkFlags, type WantedFlags } from "#domain/machine/flags.ts";
import { cleanRoutes, stillApproved } from "#domain/machine/routes.ts";
import { retag } from "#domain/machine/tags.ts";
import { ZtnaError } from "#protocol/errors.ts";

const pool = "100.64.0.0/10";

function refusal(work: () => unknown): string {
  try {
    work();
    return "ok";
  } catch (error) {
    if (error instanceof ZtnaError) return `${error.code} ${error.message}`;
    throw error;
  }
}

describe("advertised routes", () => {
  it("are kept once each, as the prefix's own address", () => {
    expect(cleanRoutes([" 10.1.2.3/8", "10.0.0.0/8", "192.168.1.7"], pool)).toEqual(["10.0.0.0/8", "192.168.1.7/32"]);
    expect(cleanRoutes([], pool)).toEqual([]);
  });

  it("are refused when they are no IPv4 prefix, part of the tailnet, around it, everything, or too many", () => {
    const of = (...routes: string[]) => refusal(() => cleanRoutes(routes, pool));
    for (const bad of ["", "x", "10.0.0.0/33", "10.0.0/8", "fd00::/8", "10.0.0.0/8/8"]) {
      expect(of(bad), bad).toMatch(/^INVALID_INPUT advertised_routes: not an IPv4 prefix/);
    }
    expect(of("100.64.0.0/16")).toMatch(/overlaps the tailnet/);
    expect(of("96.0.0.0/3")).toMatch(/overlaps the tailnet/);
    expect(of("0.0.0.0/0")).toMatch(/advertise_exit_node/);
    expect(of(...Array.from({ length: 65 }, (_, i) => `10.${i}.0.0/16`))).toMatch(/at most 64/);
  });

  it("lose their approval when they are no longer offered", () => {
    expect(stillApproved(["10.0.0.0/8", "172.16.0.0/12"], ["172.16.0.0/12", "192.168.0.0/16"])).toEqual([
      "172.16.0.0/12",
    ]);
  });
});

describe("a machine's flags", () => {
  const check = (flags: WantedFlags, allowed: boolean) =>
    refusal(() => checkFlags(flags, { allowExitNodes: allowed, allowSubnetRouting: allowed, addressPool: pool }));

  it("are refused with INVALID_INPUT when none is given", () => {
    expect(check({}, true)).toBe("INVALID_INPUT At least one flag must be provided");
    expect(check({ shields_up: undefined }, true)).toMatch(/^INVALID_INPUT/);
  });

  it("offer only what the org allows, and take back anything", () => {
    expect(check({ advertise_exit_node: true }, true)).toBe("ok");
    expect(check({ advertise_exit_node: true }, false)).toBe("FORBIDDEN exit nodes not allowed for this org");
    expect(check({ advertise_exit_node: false }, false)).toBe("ok");
    expect(check({ advertised_routes: ["10.0.0.0/8"] }, true)).toBe("ok");
    expect(check({ advertised_routes: ["10.0.0.0/8"] }, false)).toBe(
      "FORBIDDEN subnet routing not allowed for this org",
    );
    expect(check({ advertised_routes: [] }, false)).toBe("ok");
  });
});

describe("the tags a machine names itself", () => {
  it("are those its key grants; the others stay as they are", () => {
    expect(retag(["web", "restricted"], ["tag:db", "admin"], ["web", "db"])).toEqual(["restricted", "db"]);
    expect(retag(["restricted"], [], ["web"])).toEqual(["restricted"]);
    expect(retag(["restricted"], ["web"], [])).toEqual(["restricted"]);
    expect(retag(["old"], ["new"], null)).toEqual(["new"]);
  });
});
