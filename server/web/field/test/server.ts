// The real server program over a folder of its own, on a free port of this machine.

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { EnrolLink } from "../src/sync/index";

const PROGRAM = process.env["TRIBUTARY_PROGRAM"] ?? "target/debug/tributary";
const PASSWORD = "correct horse battery staple";

export class Server {
  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
    readonly address: string,
  ) {}

  static async start(): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), "tributary-field-"));
    const data = join(folder, "data");
    execFileSync(PROGRAM, ["--version"]);
    execFileSync(PROGRAM, ["init", "--data", data, "--password-stdin"], { input: `${PASSWORD}\n`, stdio: ["pipe", "ignore", "inherit"] });
    execFileSync(PROGRAM, ["form", "publish", "--data", data], { stdio: ["ignore", "ignore", "inherit"] });
    const args = ["serve", "--data", data, "--plain", "--listen", "127.0.0.1:0", "--workers", "2", "--log-level", "error"];
    const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const found = /answers at (http:\/\/[^ ]+?)\. Stop/.exec(line);
      if (found?.[1]) {
        lines.close();
        child.stdout.resume();
        return new Server(folder, child, found[1]);
      }
    }
    throw new Error("the server did not start");
  }

  run(...args: string[]): string {
    const [first = "", second = "", ...rest] = args;
    return execFileSync(PROGRAM, [first, second, "--data", join(this.folder, "data"), ...rest], { encoding: "utf8" });
  }

  /** A new user, and the link for a device of theirs. */
  link(name: string, role = "worker"): EnrolLink {
    this.run("user", "create", name, "--role", role);
    const text = this.run("device", "enrol-code", name, "--link-only").trim();
    const said = new URLSearchParams(text.split("#")[1] ?? "");
    const [organisation, code, root] = [said.get("o"), said.get("c"), said.get("r")];
    assert.ok(organisation && code && root, text);
    return { server: this.address, organisation, code, root };
  }

  async stop(): Promise<void> {
    const gone = new Promise((done) => this.child.once("exit", done));
    this.child.kill("SIGKILL");
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
