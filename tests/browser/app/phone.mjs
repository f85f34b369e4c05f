// A phone: a browser with a folder of its own, the field app in it, and what a person does with their fingers.
// Not here: the server (world.mjs).
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

export const PIN = "739164";

export class Phone {
  /** Errors that nobody caught, and what the browser complained about. */
  complaints = [];

  static async make({ width = 360, locale = "en-GB" } = {}) {
    const phone = new Phone();
    phone.home = await mkdtemp(join(tmpdir(), "tributary-phone-"));
    phone.look = { viewport: { width, height: 740 }, locale, timezoneId: "Asia/Phnom_Penh", hasTouch: true };
    await phone.start();
    return phone;
  }

  async start() {
    this.context = await chromium.launchPersistentContext(this.home, {
      executablePath: process.env.TRIBUTARY_CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ["--no-sandbox"], ...this.look,
    });
    this.context.setDefaultTimeout(90_000);
    this.page = this.context.pages()[0] ?? (await this.context.newPage());
    this.watch(this.page);
  }

  watch(page) {
    page.on("pageerror", (error) => this.complaints.push(String(error.stack ?? error)));
    page.on("console", (message) => {
      // The network being away is told to the person by the app.
      if (message.type() === "error" && !/net::ERR_|Failed to load resource/.test(message.text())) this.complaints.push(message.text());
    });
  }

  /** Closes the browser, as a phone that runs out of power does with it. */
  async close() {
    await this.context.close();
  }

  async end() {
    await this.context.close().catch(() => undefined);
    await rm(this.home, { recursive: true, force: true });
  }

  async offline(on) {
    await this.context.setOffline(on);
  }

  button(name, page = this.page) {
    return page.getByRole("button", { name, exact: true });
  }

  async enrol(link, { pin = PIN } = {}) {
    const { page } = this;
    await page.goto(link);
    await page.getByLabel("PIN or passphrase").fill(pin);
    await page.getByLabel("The same once more").fill(pin);
    await this.button("Set up").click();
    await page.getByRole("heading", { name: "This phone is set up" }).waitFor();
    await this.button("Start").click();
    await this.list();
  }

  /** The address that the home screen opens. */
  async open(url) {
    await this.page.goto(`${url}/field/`);
  }

  async unlock(pin = PIN) {
    const { page } = this;
    await page.getByLabel("PIN or passphrase").fill(pin);
    await page.locator("form.unlock button[type=submit]").click();
  }

  async list() {
    await this.page.getByRole("heading", { name: "Interviews", exact: true }).waitFor();
  }

  async newInterview() {
    await this.button("New interview").click();
    await this.page.locator(".interview .page").first().waitFor();
  }

  question(path) {
    return this.page.locator(`[data-path="${path}"]`);
  }

  async text(path, value) {
    await this.question(path).locator("input, textarea").first().fill(value);
  }

  async choose(path, label) {
    await this.question(path).getByText(label, { exact: true }).click();
  }

  /** Until what was answered is durable. */
  async saved() {
    await this.page.getByText("Saved on this phone").first().waitFor();
  }

  /** A page of the form, from its table of contents. */
  async goTo(title) {
    const contents = this.page.locator("details.contents");
    await contents.locator("summary").click();
    await contents.getByRole("button", { name: title }).click();
  }

  /** Opens the interview in whose line the words stand. */
  async openInterview(words) {
    await this.page.locator(".record", { hasText: words }).first().click();
    await this.page.locator(".interview .page").first().waitFor();
  }

  /** To the last page, and the last button. */
  async finish() {
    const contents = this.page.locator("details.contents");
    await contents.locator("summary").click();
    await contents.getByRole("button").last().click();
    await this.button("Finish the interview").click();
    await this.page.getByText("It goes to the server with the next sync.", { exact: false }).waitFor();
  }

  /** Until the app is kept for starting without a network. */
  async ready() {
    await this.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  }

  async closeInterview() {
    await this.button("Close").click();
    await this.list();
  }

  async sync() {
    await this.page.getByRole("navigation").getByRole("button", { name: "Sync", exact: true }).click();
    await this.button("Sync now").click();
    await this.button("Sync now").waitFor();
    await this.page.locator(".note, dl").first().waitFor();
  }

  async goToList() {
    await this.page.getByRole("navigation").getByRole("button", { name: "Interviews", exact: true }).click();
    await this.list();
  }

  /** What the line at the bottom says. */
  async status() {
    return this.page.locator("footer .status").innerText();
  }
}
