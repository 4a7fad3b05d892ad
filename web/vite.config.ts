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

/** `VEDETTE_BOX=http://127.0.0.1:30080 npm run dev`: the pages against a running box. */
const box = process.env.VEDETTE_BOX;
const proxied = box ? { target: box, changeOrigin: true } : undefined;

export default defineConfig(({ mode }) => ({
  plugins: mode === "mock" ? [mockBox()] : [],
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
