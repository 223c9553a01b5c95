// src/viewer/ to one HTML file, src/koekao/viewer/page.html, which is committed: users need no node. It holds three and
// our own code and, in its head, the hash of the sources that it was built from; koekao.viewer fills in the data.
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const sources = here("src/viewer/");
const target = process.argv[2] ?? here("../src/koekao/viewer/page.html");

const hash = createHash("sha256");
for (const name of (await readdir(sources)).sort()) hash.update(`${name}\n`).update(await readFile(sources + name));
hash.update(await readFile(here("package-lock.json")));

const common = { bundle: true, minify: true, write: false, target: "es2022", logLevel: "warning", legalComments: "none" };
const built = await esbuild.build({ ...common, entryPoints: [sources + "app.ts"], format: "iife", charset: "ascii" });
const licence = "/* three.js: Copyright 2010-2026 three.js authors, MIT licence */";
const code = built.outputFiles[0].text.trim().replaceAll("</script", "<\\/script");
const script = `${licence}requestAnimationFrame(()=>setTimeout(()=>{${code}}))`; // the first paint waits for nothing
const style = await esbuild.build({ ...common, entryPoints: [sources + "style.css"] });
const values = {
  SCRIPT: script,
  STYLE: style.outputFiles[0].text.trim(),
  SOURCES: hash.digest("hex"),
  SCRIPT_HASH: `'sha256-${createHash("sha256").update(script).digest("base64")}'`,
};
let page = await readFile(sources + "viewer.html", "utf8");
for (const [name, value] of Object.entries(values)) page = page.replace(`{{${name}}}`, () => value);
await writeFile(target, page);
console.log(`${target}: ${page.length} bytes`);
