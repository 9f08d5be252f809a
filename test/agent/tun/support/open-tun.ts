import { LinuxTun } from "../../../../agent/tun/linux.ts";

try {
  new LinuxTun({ name: "ztna0", mtuBytes: 1420, batchSize: 1, arenaAddress: 0n }).close();
  console.log("made it");
} catch (error) {
  console.log(String(error));
}
