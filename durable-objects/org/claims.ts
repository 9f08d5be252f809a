import { isHelloOf } from "#domain/machine/hello-proof.ts";
import type { AgentMessage } from "#protocol/control/messages.ts";
import type { MachineId } from "#protocol/ids.ts";

/**
 * What is known of a stream that came with the node key its machine had until a moment ago. It is nobody's stream until its hello
 * shows the machine key: a copy of the agent's state has registered, and the original wants its place back. Whoever has only got
 * hold of the old node key must not profit: that it is void is why its owner has registered again.
 */
export interface Claim {
  readonly kind: "claim";
  readonly machineId: MachineId;
  readonly host: string;
  readonly nodeKeyHash: string;
}

export function claimOf(socket: WebSocket): Claim | undefined {
  const attachment = socket.deserializeAttachment() as Claim | { kind: "control" | "realtime" } | null;
  return attachment?.kind === "claim" ? attachment : undefined;
}

/** Whether the message is the hello of the machine's own installation. */
export function isProven(
  { nodeKeyHash }: Claim,
  machineKey: string | null,
  message: AgentMessage | undefined,
): boolean {
  if (machineKey === null || message?.type !== "hello") return false;
  const { instance, machine_key_signature: signature } = message;
  return instance !== undefined && signature !== undefined &&
    isHelloOf(machineKey, { nodeKeyHash, instance, signature });
}
