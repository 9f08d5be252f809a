import { describe, expect, it } from "vitest";
import { type SettingsRules, settleSettings } from "#domain/machine/settings.ts";

const rules: SettingsRules = {
  allowExitNodes: true,
  allowSubnetRouting: true,
  currentTags: [],
  allowedTags: null,
  addressPool: "100.64.0.0/10",
};

describe("the wishes of a machine", () => {
  it("are granted where nothing speaks against them, and what was not said stays unsaid", () => {
    const wanted = { shields_up: true, accept_routes: false, advertise_exit_node: true };
    expect(settleSettings(wanted, rules)).toEqual({ granted: wanted, refused: [] });
    expect(settleSettings({}, rules)).toEqual({ granted: {}, refused: [] });
  });

  it("for tags go no further than its auth key", () => {
    const { granted, refused } = settleSettings({ tags: ["tag:web", "root"] }, { ...rules, allowedTags: ["web"] });
    expect(granted).toEqual({ tags: ["web"] });
    expect(refused).toEqual(["tag root is not allowed by the auth key"]);
  });

  it("for tags leave those that somebody else has given it", () => {
    const { granted } = settleSettings({ tags: ["web"] }, { ...rules, currentTags: ["vip"], allowedTags: ["web"] });
    expect(granted.tags).toEqual(["vip", "web"]);
  });

  it("to be an exit node or carry routes end at the org's switches", () => {
    const wanted = { advertise_exit_node: true, advertise_routes: ["10.0.0.0/24"] };
    expect(settleSettings(wanted, { ...rules, allowExitNodes: false, allowSubnetRouting: false })).toEqual({
      granted: { advertise_exit_node: false, advertise_routes: [] },
      refused: ["exit nodes not allowed for this org", "subnet routing not allowed for this org"],
    });
    expect(settleSettings({ advertise_routes: [] }, { ...rules, allowSubnetRouting: false }).refused).toEqual([]);
  });

  it("for routes are written the one way, without what is no prefix, everything, or the network itself", () => {
    const advertise_routes = ["10.0.0.7/24", "10.0.0.0/24", "nonsense", "0.0.0.0/0", "100.70.0.0/16"];
    const { granted, refused } = settleSettings({ advertise_routes }, rules);
    expect(granted).toEqual({ advertise_routes: ["10.0.0.0/24"] });
    expect(refused).toEqual([
      "advertised_routes: not an IPv4 prefix: nonsense",
      "advertised_routes: 0.0.0.0/0 is what advertise_exit_node offers",
      "advertised_routes: 100.70.0.0/16 overlaps the tailnet 100.64.0.0/10",
    ]);
  });
});
