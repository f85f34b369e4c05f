// The real server program over a data folder of its own, on loopback, with an organisation, its people and a form.
// Not here: browsers and phones (phone.mjs).
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const program = process.env.TRIBUTARY_PROGRAM ?? join(root, "target/debug/tributary");
const PASSWORD = "four unrelated words";
const run = promisify(execFile);
// Without any setting of whoever runs the tests.
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TRIBUTARY_")));

export class World {
  #child;
  #address = "127.0.0.1:0";
  #token;

  static async start() {
    const world = new World();
    world.folder = await mkdtemp(join(tmpdir(), "tributary-browser-"));
    world.data = join(world.folder, "data");
    await world.#init();
    await world.serve();
    await world.#signIn();
    return world;
  }

  /** Runs `tributary` over the folder to its end; what it printed. */
  async tributary(...args) {
    const { stdout } = await run(program, ["--data", this.data, "--listen", this.#address, ...args], { env });
    return stdout;
  }

  async #init() {
    const child = spawn(program, ["--data", this.data, "--listen", this.#address, "init", "--password-stdin"], { stdio: ["pipe", "ignore", "inherit"], env });
    child.stdin.end(`${PASSWORD}\n`);
    await new Promise((done, failed) => child.on("exit", (code) => (code === 0 ? done() : failed(new Error(`init: ${code}`)))));
  }

  /** Starts the server; the second time on the port that it had. */
  async serve() {
    const child = spawn(program, ["--data", this.data, "--listen", this.#address, "serve", "--plain", "--workers", "2", "--log-level", "error"], { stdio: ["ignore", "pipe", "inherit"], env });
    this.#child = child;
    const said = await new Promise((done, failed) => {
      let text = "";
      child.stdout.on("data", (part) => {
        text += part;
        if (text.includes("\n")) done(text);
      });
      child.on("exit", () => failed(new Error(`the server did not start: ${text}`)));
    });
    this.url = /answers at (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
    if (!this.url) throw new Error(said);
    this.#address = this.url.slice("http://".length);
  }

  /** SIGKILL, whatever it is doing. */
  async kill() {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = new Promise((done) => child.on("exit", done));
    child.kill("SIGKILL");
    await gone;
  }

  async stop() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  async api(method, path, body) {
    const headers = { "content-type": "application/json", ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}) };
    const response = await fetch(`${this.url}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async #signIn() {
    const reply = await this.api("POST", "/auth/sign-in", { organisation: "first", name: "admin", password: PASSWORD });
    this.#token = reply.access_token;
  }

  /** Publishes a form; without a file, the interview that comes along. */
  async publish(fileName, content) {
    if (fileName === undefined) return this.tributary("form", "publish");
    return this.api("POST", "/forms", { file_name: fileName, content: Buffer.from(content).toString("base64") });
  }

  async worker(name) {
    return (await this.api("POST", "/users", { name, role: "worker" })).user;
  }

  /** An enrolment link for one phone of a user. */
  async link(user) {
    return (await this.api("POST", "/devices/codes", { user: user.id })).link;
  }

  /** A coordinator gives a record to a worker too. */
  async assign(record, user) {
    const { shown } = await this.api("GET", `/records/${record}`);
    await this.api("POST", `/records/${record}/assign`, { shown, assignee: `user:${user.id}` });
  }

  /** Copies the folder, as a schedule would: what was stored is copied from then on. */
  async copy() {
    await this.tributary("backup", "--to", join(this.folder, "copies"));
  }

  /** The merged dataset as coordinators download it; drafts left out. */
  async csv(form) {
    const out = join(this.folder, "out.csv");
    await rm(out, { force: true });
    await this.tributary("export", "--form", form, "--out", out);
    return readFile(out, "utf8");
  }

  /** Every answer with its author, one record a line. */
  async jsonLines(form) {
    const out = join(this.folder, "out.jsonl");
    await rm(out, { force: true });
    await this.tributary("export", "--form", form, "--state", "draft", "--state", "complete", "--out", out);
    return (await readFile(out, "utf8")).trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }
}
