import { buildDashboard } from "../../../tools/start/dashboard.ts";

/** Once for all: what each `npm start` of a test then finds is fresh, and its own time is that of a start. */
export default function setup(): Promise<void> {
  return buildDashboard(console.log);
}
