import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const SPEEDS_CRYPTO = ["sse4_2", "avx", "avx2", "bmi2", "aes", "vaes", "avx512f", "avx512ifma"];

/** The processor, and which of its instructions ciphers like. */
export function cpuText(): string {
  const info = readFileSync("/proc/cpuinfo", "utf8");
  const field = (name: string) => info.match(new RegExp(`^${name}\\s*:\\s*(.*)$`, "m"))?.[1] ?? "unknown";
  const flags = new Set(field("flags").split(" "));
  const known = SPEEDS_CRYPTO.filter((flag) => flags.has(flag)).join(" ");
  return `${field("model name")}, ${availableParallelism()} processors, ${known || "no known flags"}`;
}
