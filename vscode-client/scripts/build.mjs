// Bundles the extension and the chat view into dist/; with --tests, each test into out/.
import { build } from "esbuild";
import { readdirSync, rmSync } from "node:fs";

const tests = process.argv.includes("--tests");
const shared = {
  bundle: true,
  minify: process.argv.includes("--minify"),
  sourcemap: false,
  legalComments: "linked",
  logLevel: "warning",
};
const node = { ...shared, platform: "node", format: "cjs", target: "node20", external: ["vscode"] };

if (tests) {
  rmSync("out", { recursive: true, force: true });
  const entryPoints = readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`);
  await build({ ...node, entryPoints, outdir: "out" });
} else {
  rmSync("dist", { recursive: true, force: true });
  await Promise.all([
    build({ ...node, entryPoints: ["src/extension.ts"], outfile: "dist/extension.js" }),
    build({
      ...shared,
      platform: "browser",
      format: "iife",
      target: "es2023",
      entryPoints: { view: "src/view/main.ts", style: "src/view/style.css" },
      outdir: "dist",
    }),
  ]);
}
