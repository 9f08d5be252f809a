import { expect, test } from "vitest";
import { addStatement, readReleaseOptions, removeStatement } from "../../../../tools/release/release.ts";

const name = ["--version", "v1.2.3", "--platform", "linux", "--arch", "amd64"];
const download = ["--file", "dist/agent/ztna", "--url", "https://example.com/ztna"];

test("npm run release reads what is released and where it is written", () => {
  expect(readReleaseOptions(["add", ...name, ...download])).toEqual({
    version: "1.2.3",
    platform: "linux",
    arch: "amd64",
    added: { file: "dist/agent/ztna", url: "https://example.com/ztna", notes: undefined },
    state: ".state",
  });
  expect(readReleaseOptions(["remove", ...name, "--remote"])).toMatchObject({ added: undefined, state: undefined });
});

test.each([
  [[], /^Usage: npm run release/],
  [["publish", ...name], /^Usage: npm run release/],
  [["add", ...name], /^--file is missing\. Usage/],
  [["add", ...name, "--file", "x", "--url", "http://example.com"], /^--url must start with https:/],
  [["remove", "--version", "new", "--platform", "linux", "--arch", "amd64"], /^--version must look like 1\.2\.3/],
  [["remove", "--version", "1.2.3", "--platform", "plan9", "--arch", "amd64"], /^--platform must be one of/],
  [["remove", ...name, "--frobnicate"], /^Unknown option '--frobnicate'\. Usage/],
])("npm run release %j is refused in one line", (args, message) => {
  expect(() => readReleaseOptions(args)).toThrow(message);
});

test("notes cannot leave their place in the statement", () => {
  const options = readReleaseOptions(["remove", ...name]);
  const release = { url: "https://example.com/ztna", sha256: "ab", notes: "it's new'); DROP TABLE users; --" };
  expect(addStatement(options, release, 7)).toContain(`'ab', 'it''s new''); DROP TABLE users; --', 7);`);
  expect(removeStatement(options)).toBe(
    "DELETE FROM client_versions WHERE platform = 'linux' AND arch = 'amd64' AND version = '1.2.3';\n",
  );
});
