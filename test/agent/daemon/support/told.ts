import type { UpReport } from "../../../../agent/daemon/up.ts";

/** What `ztna up` has told the person so far, in order. */
export class Told implements UpReport {
  readonly all: string[] = [];

  line(text: string): void {
    this.all.push(text);
  }

  warn(text: string): void {
    this.all.push(`warning: ${text}`);
  }

  ready({ nodeKey }: { nodeKey: string }): void {
    this.all.push(`ready: ${nodeKey}`);
  }
}
