import process from "node:process";

/** Loaded before the agent: its clock is off by so many days. */
const offsetMs = Number(process.env["CLOCK_DAYS"]) * 86_400_000;
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args) =>
    args.length === 0 ? new target(target.now() + offsetMs) : Reflect.construct(target, args),
  get: (target, name) => name === "now" ? () => target.now() + offsetMs : Reflect.get(target, name),
});
