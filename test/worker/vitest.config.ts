import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { testSecrets } from "./support/secrets.ts";

const root = resolve(import.meta.dirname, "../..");

// Wrangler refuses to start when the assets have not been built; these tests need none.
mkdirSync(`${root}/dist/dashboard`, { recursive: true });

// As bindings they would do, but Wrangler looks for its required secrets in the environment and warns.
const { ZTNA_LIMITS, ...secrets } = await testSecrets();
Object.assign(process.env, secrets);

export default defineConfig({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}/wrangler.toml` },
      miniflare: {
        bindings: { ...secrets, ZTNA_LIMITS, TEST_MIGRATIONS: await readD1Migrations(`${root}/d1-migrations`) },
      },
    }),
  ],
  test: {
    include: ["test/worker/**/*.test.ts", "test/pure/{protocol,domain}/**/*.test.ts"],
    exclude: ["test/worker/loopback/**"],
    globalSetup: ["test/worker/support/start-sign-in-provider.ts", "test/worker/support/mail-server.ts"],
    setupFiles: ["test/worker/support/migrate.ts"],
    isolate: false,
    // A test that hangs, not one that hashes passwords on a busy machine.
    testTimeout: 30_000,
  },
});
