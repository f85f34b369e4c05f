// Draws the PNG icons of the home screen from the SVG ones, with the browser of the browser tests: `node make.mjs`.
// By hand, when an SVG changes; the PNGs are committed, so the build needs no browser.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";

const here = new URL(".", import.meta.url);
const { chromium } = createRequire(new URL("../../../../tests/browser/package.json", import.meta.url))("playwright-core");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const name of ["icon", "plain"]) {
  const svg = await readFile(new URL(`${name}.svg`, here), "utf8");
  for (const side of [192, 512]) {
    const page = await browser.newPage({ viewport: { width: side, height: side } });
    await page.setContent(`<style>*{margin:0}svg{display:block;width:100vw}</style>${svg}`);
    await writeFile(new URL(`${name}-${side}.png`, here), await page.screenshot());
    await page.close();
  }
}
await browser.close();
