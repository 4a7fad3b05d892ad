import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** `npm run dev -- --mode mock`: the pages against a pretend box that lives in the browser (mock/). */
function mockBox(): Plugin {
  return {
    name: "vedette-mock-box",
    apply: "serve",
    transformIndexHtml: {
      order: "pre",
      handler: (html) => html.replace("/src/main.tsx", "/mock/main.ts"),
    },
  };
}

/** The licences of what is bundled, beside the bundle, as those licences ask. */
function licences(): Plugin {
  const bundled = ["preact", "@preact/signals", "@preact/signals-core", "uplot", "@fontsource-variable/instrument-sans", "@fontsource-variable/geist-mono"];
  return {
    name: "vedette-licences",
    apply: "build",
    generateBundle() {
      const texts = bundled.map((name) => `${name}\n\n${readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()}\n`);
      this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.join(`\n${"-".repeat(72)}\n\n`) });
    },
  };
}

/** `VEDETTE_BOX=http://127.0.0.1:30080 npm run dev`: the pages against a running box. */
const box = process.env.VEDETTE_BOX;
const proxied = box ? { target: box, changeOrigin: true } : undefined;

export default defineConfig(({ mode }) => ({
  plugins: mode === "mock" ? [mockBox()] : [licences()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../vedette/web",
    emptyOutDir: true,
    target: "es2022",
    // The content security policy of the box allows no data: URLs and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: "127.0.0.1",
    ...(proxied && {
      proxy: { "/api": proxied, "/vst": proxied, "/emdx": proxied, "/ws-emdx": { ...proxied, ws: true } },
    }),
  },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
}));
