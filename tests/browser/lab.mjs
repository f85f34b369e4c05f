// The interview alone in a browser: field/test/form.html, bundled and served on loopback under the policy that the app has.
//
// Not here: the server program; stories with it have files of their own.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const web = fileURLToPath(new URL("../../server/web/", import.meta.url));
const esbuild = createRequire(`${web}package.json`)("esbuild");

/** What the app's pages are served with. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types default",
].join("; ");

const TYPES = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8" };

/** The bundle, its size, and a server that gives the page. */
export async function serveLab() {
  const built = await esbuild.build({
    entryPoints: [`${web}field/test/form.ts`],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "error",
  });
  const files = new Map([["/form.js", built.outputFiles[0].contents]]);
  files.set("/", await readFile(`${web}field/test/form.html`));
  files.set("/form.css", await readFile(`${web}field/src/form/form.css`));
  files.set("/lab.css", await readFile(`${web}field/test/lab.css`));
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const body = files.get(path);
    const kind = path === "/" ? "html" : path.split(".").pop();
    response.writeHead(body ? 200 : 204, { "content-type": TYPES[kind] ?? "text/plain", "content-security-policy": POLICY });
    response.end(body);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    bundle: built.outputFiles[0].contents,
    close: () => new Promise((done) => server.close(done)),
  };
}

export function startBrowser() {
  return chromium.launch({ executablePath: process.env.TRIBUTARY_CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ["--no-sandbox"] });
}

/** A phone's page with the lab open; what the page complains about is kept. */
export async function openLab(browser, url, { width = 360, height = 780, locale = "en-GB", timezoneId = "Asia/Phnom_Penh", permissions = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale, timezoneId, permissions, hasTouch: true, isMobile: false });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(url);
  await page.waitForFunction(() => globalThis.lab !== undefined);
  return { page, complaints, context };
}

export async function fixture(name) {
  return readFile(`${web}field/test/forms/${name}`, "utf8");
}

/** A page with the interview on it, and what tests do with it again and again. */
export class Desk {
  /** Opens the browser, and the form with all kinds of questions. */
  async start(options) {
    this.lab = await serveLab();
    this.browser = await startBrowser();
    this.kinds = await fixture("kinds.xml");
    await this.begin(options);
    this.ids = await this.page.evaluate((xml) => Object.fromEntries(globalThis.lab.engine.prepare(xml).pkg.fields.map((f) => [f.path, f.id])), this.kinds);
  }
  async stop() {
    await this.browser?.close();
    await this.lab?.close();
  }
  /** A page of its own, as on another phone. */
  async begin(options) {
    await this.context?.close();
    Object.assign(this, await openLab(this.browser, this.lab.url, options));
    this.page.setDefaultTimeout(10_000);
  }
  /** Opens a form: the kinds, unless another is given. */
  open(options = {}, xml = this.kinds) {
    return this.page.evaluate(([text, opts]) => globalThis.lab.open(text, { ...opts, ...(opts.record ? { view: globalThis.lab.view(...opts.record) } : {}) }), [xml, options]);
  }
  go(path) {
    return this.page.evaluate((p) => globalThis.lab.form.goto(p), path);
  }
  flush() {
    return this.page.evaluate(() => globalThis.lab.form.flush());
  }
  saves() {
    return this.page.evaluate(() => globalThis.lab.saves);
  }
  /** All that was saved, the last value of each key. */
  written() {
    return this.page.evaluate(() => globalThis.lab.written());
  }
  question(path) {
    return this.page.locator(`[data-path="${path}"]`);
  }
  key(path) {
    return `f${this.ids[path]}`;
  }
  rowKey(group, row, path) {
    return `g${this.ids[group]}.${row}.${path === undefined ? "row" : `f${this.ids[path]}`}`;
  }
  row(group, id, order) {
    return { group: this.ids[group], row: id, order, deleted: false, contested: false };
  }
}

/** A record, for `open`: answers by key, rows, status. */
export function record(answers, rows = [], status = "draft") {
  return [answers, rows, status];
}
