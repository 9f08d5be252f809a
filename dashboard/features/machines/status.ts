import type { MachineStatus } from "#protocol/api/machines.ts";
import type { Tone } from "../../ui/badge.tsx";

/** What people read for each status, and its colour. */
export const statusLabels: Record<MachineStatus, { text: string; tone: Tone }> = {
  online: { text: "Connected", tone: "ok" },
  offline: { text: "Disconnected", tone: "idle" },
  pending: { text: "Pending Approval", tone: "warn" },
  quarantined: { text: "Quarantined", tone: "bad" },
};
