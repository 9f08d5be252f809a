import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../process/environment.ts";
import { readTitles, type TitledTest } from "./titles.ts";

/** The tests of the repository, in the order of their files. */
export function readTests(): TitledTest[] {
  const files = globSync("test/**/*{.test,_test}.{ts,tsx}", { cwd: root }).sort();
  return files.flatMap((file) => readTitles(file, readFileSync(join(root, file), "utf8")));
}
