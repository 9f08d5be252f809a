import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import process from "node:process";
import { defineConfig } from "vite";

// A test runner that builds us has set this to "test", and React would come in its slow and large development form.
if (process.argv.includes("build")) process.env["NODE_ENV"] = "production";

const api = process.env["ZTNA_API_URL"] ?? "http://localhost:8787";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "../dist/dashboard",
    emptyOutDir: true,
    // The content security policy allows no data: URL.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: api, ws: true } } },
});
