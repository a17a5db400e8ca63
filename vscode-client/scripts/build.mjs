// Bundles the extension and the chat view into dist/; with --tests, each test into out/.
import { build } from "esbuild";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const tests = process.argv.includes("--tests");
const shared = {
  bundle: true,
  minify: process.argv.includes("--minify"),
  sourcemap: false,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};
const node = { ...shared, platform: "node", format: "cjs", target: "node20", external: ["vscode"] };

if (tests) {
  rmSync("out", { recursive: true, force: true });
  const entryPoints = readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`);
  await build({ ...node, entryPoints, outdir: "out" });
} else {
  rmSync("dist", { recursive: true, force: true });
  const built = await Promise.all([
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
  writeFileSync("dist/licences.txt", licences(built.flatMap(({ metafile }) => Object.keys(metafile.inputs))));
}

/** The licences of the packages whose files were bundled. */
function licences(inputs) {
  const packages = new Set(inputs.map((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]).filter(Boolean));
  const texts = [...packages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file !== undefined && existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf8") : license;
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  return `The bundle holds these packages.\n\n${texts.join(`\n${"-".repeat(72)}\n\n`)}`;
}
