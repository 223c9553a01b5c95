// Sources to dist/: koekao.js (the library), page.js and index.html, and the WebAssembly of onnxruntime beside them.
// Everything is local; nothing of it asks another host for anything. With --library the page is left out: what a wheel
// carries.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const WASM = "ort-wasm-simd-threaded.wasm";
const alone = process.argv.includes("--library");
const said = process.argv.indexOf("--out");
const dist = said < 0 ? here("dist") : process.argv[said + 1];

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const context = await esbuild.context({
  entryPoints: { koekao: here("src/koekao.ts"), ...(alone ? {} : { page: here("src/page.ts") }) },
  outdir: dist,
  bundle: true,
  splitting: true, // the page and whoever imports koekao.js share one onnxruntime
  chunkNames: "shared-[hash]",
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "eof", // the licences of what is bundled stay with it
  logLevel: "warning",
});
await context.rebuild();
await copyFile(here(`node_modules/onnxruntime-web/dist/${WASM}`), `${dist}/${WASM}`);
if (!alone) await copyFile(here("src/index.html"), `${dist}/index.html`);
if (process.argv.includes("--serve")) {
  const { port } = await context.serve({ servedir: dist, host: "127.0.0.1" });
  console.log(`http://127.0.0.1:${port}/`);
} else {
  await context.dispose();
}
