import assert from "node:assert/strict";
import { parseApiUrl, readConfig, requireApiUrl, updateConfigFile } from "../../../agent/daemon/config.ts";
import { configDirectory } from "../../../agent/daemon/paths.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

function environment(values: Record<string, string>): typeof Deno.env {
  return { ...Deno.env, get: (name: string) => values[name] } as typeof Deno.env;
}

Deno.test("an API URL may end with a slash or /api", () => {
  for (const text of ["https://a.example", "https://a.example/", "https://a.example/api", "https://a.example/api/"]) {
    assert.equal(parseApiUrl(text), "https://a.example");
  }
  assert.equal(parseApiUrl("http://10.0.0.1:8787/ztna/api"), "http://10.0.0.1:8787/ztna");
});

Deno.test("an API URL that is none, or holds a password, is refused in one line", () => {
  for (const text of ["", "a.example", "ftp://a.example", "https://me:secret@a.example"]) {
    assert.throws(() => parseApiUrl(text), (error: Error) => !/\n|secret/.test(error.message));
  }
});

Deno.test("flags win over the environment, and the environment over the file", () => {
  using directory = temporaryDirectory();
  const set = (values: Record<string, string>) => environment({ QUICKZTNA_CONFIG_DIR: directory.path, ...values });
  const urlOf = (flag: string | undefined, values: Record<string, string>) =>
    readConfig({ apiUrl: flag }, set(values), () => "host").apiUrl;
  assert.equal(urlOf(undefined, {}), undefined);
  Deno.writeTextFileSync(`${directory.path}/config.json`, '{"api_url":"https://file.example"}');
  assert.equal(urlOf(undefined, {}), "https://file.example");
  assert.equal(urlOf(undefined, { ZTNA_API_URL: "https://env.example" }), "https://env.example");
  assert.equal(urlOf("https://flag.example", { ZTNA_API_URL: "https://env.example" }), "https://flag.example");
  assert.equal(urlOf(undefined, { ZTNA_API_URL: "" }), "https://file.example");
});

Deno.test("without any URL nothing is contacted and the person is told what to set", () => {
  using directory = temporaryDirectory();
  const config = readConfig({}, environment({ QUICKZTNA_CONFIG_DIR: directory.path }), () => "host");
  assert.throws(() => requireApiUrl(config), /Set ZTNA_API_URL or use --api-url/);
});

Deno.test("a change keeps what else is in the file", () => {
  using directory = temporaryDirectory();
  const path = `${directory.path}/config.json`;
  Deno.writeTextFileSync(path, '{"dns_enabled":true,"org_id":"old"}');
  const config = readConfig({}, environment({ QUICKZTNA_CONFIG_DIR: directory.path }), () => "host");
  updateConfigFile(config, { org_id: "new" });
  assert.deepEqual(JSON.parse(Deno.readTextFileSync(path)), { dns_enabled: true, org_id: "new" });
});

Deno.test("the directory is the one of the environment or below the home", () => {
  assert.equal(
    configDirectory(environment({ QUICKZTNA_CONFIG_DIR: "/etc/quickztna", HOME: "/root" })),
    "/etc/quickztna",
  );
  assert.equal(configDirectory(environment({ HOME: "/root" })), "/root/.config/ztna");
  assert.throws(() => configDirectory(environment({})), /QUICKZTNA_CONFIG_DIR/);
});
