import { defineConfig } from "vite";

// dist/ is committed and embedded, so its bytes must depend on the sources alone:
// no hashes of time or path, one script, one style sheet.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    rollupOptions: {
      output: {
        entryFileNames: "console.js",
        assetFileNames: "console[extname]",
        codeSplitting: false,
      },
    },
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: Object.fromEntries(
      ["/api/", "/loki/", "/weir/"].map((path) => [path, { target: process.env.WEIR_URL ?? "http://127.0.0.1:7070", ws: true }]),
    ),
  },
});
