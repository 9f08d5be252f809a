import { ed25519 } from "@noble/curves/ed25519.js";
import { hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { helloStatement } from "#protocol/keys.ts";

interface Hello {
  readonly nodeKeyHash: string;
  readonly instance: string;
  /** 128 hex digits. */
  readonly signature: string;
}

/** Whether a hello was signed with the machine key, for this node key and this start of the agent. */
export function isHelloOf(machineKey: string, { nodeKeyHash, instance, signature }: Hello): boolean {
  const statement = utf8ToBytes(helloStatement({ nodeKeyHash, instance }));
  try {
    return ed25519.verify(hexToBytes(signature), statement, hexToBytes(machineKey));
  } catch {
    // A machine key that is no point of the curve.
    return false;
  }
}
