import * as v from "valibot";
import { relayRegionSchema } from "../netmap.ts";
import { endpoint } from "./endpoint.ts";

export const derpMap = endpoint({
  method: "GET",
  path: "/api/derp-map",
  caller: "anyone",
  request: v.object({}),
  response: v.object({ regions: v.array(relayRegionSchema) }),
  refusals: [],
});
