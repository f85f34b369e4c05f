// Phones against the real server program: enrol, save, push, pull, conflict, settle, receipt, empty; and whatever is cut.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { MemoryKeeper } from "../src/core/keeper";
import { Phone } from "../src/core/phone";
import { CoreError, type Key, type Value } from "../src/core/types";
import { toHex } from "../src/core/hex";
import { type Carrier, Counter, type DeviceKey, type EnrolLink, Proof, type Report, SyncError, enrol, overFetch, sync } from "../src/sync/index";
import { loadCore } from "./core";
import { Server } from "./server";

let server: Server;
before(async () => {
  await loadCore();
  server = await Server.start();
});
after(() => server.stop());

async function deviceKey(): Promise<DeviceKey> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const point = await crypto.subtle.exportKey("raw", pair.publicKey);
  return { privateKey: pair.privateKey, publicHex: toHex(new Uint8Array(point)) };
}

/** One device: what is durable, what is in memory, and its way to the server. */
class Device {
  carry: Carrier = overFetch(server.address);
  private constructor(
    readonly key: DeviceKey,
    public keeper: MemoryKeeper,
    public phone: Phone,
  ) {}
  static async blank(): Promise<Device> {
    const keeper = new MemoryKeeper();
    return new Device(await deviceKey(), keeper, await Phone.open(keeper));
  }
  static async enrolled(name: string, role?: string): Promise<Device> {
    const device = await Device.blank();
    await device.enrol(server.link(name, role));
    return device;
  }
  enrol(link: EnrolLink): Promise<unknown> {
    return enrol(this.phone, this.carry, this.key, link);
  }
  async sync(): Promise<Report> {
    const me = await this.phone.me();
    assert.ok(me);
    return sync(this.phone, new Proof(this.carry, this.key, me.profile), { pause: async () => undefined });
  }
  /** The app is killed and starts again from what is durable. */
  async restart(): Promise<void> {
    this.phone = await Phone.open(this.keeper);
  }
  /** The form that comes along, and a question of it that takes text and stands in no repeat. */
  async question(): Promise<{ form: string; key: Key }> {
    const version = (await this.phone.forms()).find((f) => f.newest);
    assert.ok(version);
    const { pkg } = await this.phone.form(version.hash);
    const repeats = pkg.fields.filter((f) => f.type === "repeat").map((f) => `${f.path}/`);
    const field = pkg.fields.find((f) => f.type === "text" && !repeats.some((r) => f.path.startsWith(r)));
    assert.ok(field);
    return { form: version.hash, key: `f${field.id}` };
  }
  async record(text: string, forWhom?: Device): Promise<string> {
    const { form, key } = await this.question();
    const open = await this.phone.create(form);
    const user = (await forWhom?.phone.me())?.user;
    // Without consent nobody else may hold it.
    const policies = await this.phone.policies((await this.phone.form(form)).formId);
    const consent = policies.flatMap((p): [Key, Value][] => (p.consent?.[0] ? [[`f${p.field}`, { code: p.consent[0] }]] : []));
    assert.equal(consent.length, 1);
    const assigned: [Key, Value][] = user ? [["m.assignee", { code: `user:${user}` }]] : [];
    await this.phone.save(open.session, { writes: [[key, { text }], ...consent, ...assigned] });
    await this.phone.close(open.session);
    return open.record;
  }
  async edit(record: string, text: string): Promise<void> {
    const { key } = await this.question();
    const open = await this.phone.open(record);
    await this.phone.save(open.session, { writes: [[key, { text }]], shown: [key] });
    await this.phone.close(open.session);
  }
  async texts(record: string): Promise<string[]> {
    const { key } = await this.question();
    const view = await this.phone.view(record);
    return (view.answers[key] ?? []).map((l) => ("text" in l.value ? String(l.value.text) : "")).sort();
  }
}

test("enrol, save, push, pull, conflict, settle, receipt, empty", async () => {
  const [desk, worker] = [await Device.enrolled("chann", "coordinator"), await Device.enrolled("dara")];
  const record = await desk.record("Sokha ចា", worker);
  assert.deepEqual((await desk.phone.list()).map((i) => [i.record, i.whereabouts, i.words]), [[record, "here", ["Sokha ចា"]]]);
  assert.equal((await desk.phone.obstacles("stored"))[0]?.kind, "unsent");

  const report = await desk.sync();
  assert.equal(report.sent, 1);
  assert.ok(report.bytesUp > 0 && report.bytesDown > 0 && report.skew !== undefined && Math.abs(report.skew) < 60_000);
  assert.equal((await desk.phone.list())[0]?.whereabouts, "sent");

  await worker.sync();
  assert.deepEqual((await worker.phone.list()).map((i) => [i.whereabouts, i.mine, i.words]), [["none", false, ["Sokha ចា"]]]);
  const theirs = await worker.phone.view(record);
  const { key } = await desk.question();
  assert.deepEqual(theirs.answers[key]?.map((l) => [l.by, l.mine]), [["chann", false]]);

  // Both edit without sight of each other.
  await worker.edit(record, "Sokha");
  await desk.edit(record, "Sophea");
  await worker.sync();
  await desk.sync();
  await worker.sync();
  assert.deepEqual(await worker.texts(record), ["Sokha", "Sophea"]);
  assert.deepEqual(await desk.texts(record), ["Sokha", "Sophea"]);
  assert.equal((await worker.phone.list())[0]?.conflict, true);

  // A save that was not shown both is refused; one that was settles it.
  const open = await desk.phone.open(record);
  const unseen = desk.phone.save(open.session, { writes: [[key, { text: "Sokha" }]] });
  await assert.rejects(unseen, (e) => e instanceof CoreError && e.code === "not_shown" && e.key === key);
  await desk.phone.save(open.session, { writes: [[key, { text: "Sokha" }]], shown: [key] });
  await desk.phone.close(open.session);
  await desk.sync();
  await worker.sync();
  assert.deepEqual(await worker.texts(record), ["Sokha"]);
  assert.equal((await worker.phone.list())[0]?.conflict, false);

  // The receipt says that the server has it, and that no copy does.
  const summary = await desk.phone.summary();
  assert.deepEqual([summary.unsent, summary.stored, summary.copied, summary.records], [0, 3, 0, 1]);
  assert.ok((await desk.phone.obstacles("copied")).every((o) => o.kind === "not_copied"));
  await assert.rejects(desk.phone.empty("copied"), (e) => e instanceof CoreError && e.code === "not_empty");
  assert.equal(await desk.phone.empty("stored"), 1);
  assert.deepEqual(await desk.phone.list(), []);
  await desk.sync();
  await desk.restart();
  assert.deepEqual(await desk.phone.list(), []);
});

test("a form that is open keeps what its reader saw, and says what changed", async () => {
  const [b, a] = [await Device.enrolled("open-b", "coordinator"), await Device.enrolled("open-a")];
  const record = await b.record("one", a);
  await b.sync();
  await a.sync();
  const { key } = await a.question();
  const open = await a.phone.open(record);
  await assert.rejects(a.phone.open(record), (e) => e instanceof CoreError && e.code === "form_open" && e.session === open.session);
  await b.edit(record, "two");
  await b.sync();
  await a.sync();
  assert.deepEqual(await a.phone.changedSince(open.session), [key]);
  await a.phone.save(open.session, { writes: [[key, { text: "three" }]] });
  assert.deepEqual(await a.texts(record), ["three", "two"]);
  assert.equal((await a.phone.sessions()).length, 1);
  const fresh = await a.phone.refresh(open.session);
  assert.equal(fresh.view?.conflicts[0], key);
});

test("an answer cut at any byte, or lost, costs nothing", async () => {
  const device = await Device.enrolled("cut");
  const through = device.carry;
  const cuts = [0, 0.1, 0.5, 0.9];
  let exchanges = 0;
  device.carry = async (call) => {
    const answer = await through(call);
    if (!call.path.startsWith("/sync/") || exchanges >= cuts.length + 2) return answer;
    exchanges += 1;
    if (exchanges <= 2) throw new SyncError("offline");
    return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length * (cuts[exchanges - 3] ?? 0))) };
  };
  const record = await device.record("kept");
  for (let n = 0; n < cuts.length; n += 1) {
    await assert.rejects(device.sync(), (e) => e instanceof SyncError && e.code === "unreadable");
    await device.restart();
    assert.deepEqual(await device.texts(record), ["kept"]);
  }
  const report = await device.sync();
  assert.equal(report.sent, 1);
  assert.deepEqual((await device.phone.list()).map((i) => i.whereabouts), ["sent"]);
  assert.equal((await device.phone.summary()).stored, 1);
});

test("a write that fails did not happen, and the next one does", async () => {
  const device = await Device.enrolled("full-disk");
  const { form, key } = await device.question();
  const open = await device.phone.create(form);
  device.keeper.failNext = true;
  const save = { writes: [[key, { text: "x" }]] as [Key, { text: string }][] };
  await assert.rejects(device.phone.save(open.session, save), (e) => e instanceof CoreError && e.code === "store");
  assert.equal((await device.phone.summary()).unsent, 0);
  const saved = await device.phone.save(open.session, save);
  assert.match(saved.dot, /^\d+:1$/);
  assert.equal((await device.phone.summary()).unsent, 1);
});

test("an enrolment whose answer is lost is asked for again; another's keys are not believed", async () => {
  const [device, link] = [await Device.blank(), server.link("again")];
  const through = device.carry;
  device.carry = async (call) => {
    await through(call);
    throw new SyncError("offline");
  };
  await assert.rejects(device.enrol(link), (e) => e instanceof SyncError && e.code === "offline");
  await device.restart();
  assert.equal(await device.phone.me(), null);
  device.carry = through;
  await assert.rejects(device.enrol({ ...link, root: "0".repeat(64) }), (e) => e instanceof SyncError && e.code === "untrusted");
  assert.equal(await device.phone.me(), null);
  await device.enrol(link);
  const me = await device.phone.me();
  assert.deepEqual([me?.account.userName, me?.role, me?.revoked], ["again", "worker", false]);
  const thief = await Device.blank();
  await assert.rejects(thief.enrol(link), (e) => e instanceof SyncError && e.code === "enrol_code_used");
});

test("a revoked phone is told, and what it had is with the coordinator", async () => {
  const device = await Device.enrolled("gone");
  await device.record("before");
  await device.sync();
  const me = await device.phone.me();
  assert.ok(me);
  server.run("device", "revoke", me.profile);
  await device.record("after");
  const report = await device.sync();
  assert.equal(report.revoked, true);
  assert.equal((await device.phone.me())?.revoked, true);
  assert.equal((await device.phone.summary()).withCoordinator, 1);
  const { form } = await device.question();
  await assert.rejects(device.phone.create(form), (e) => e instanceof CoreError && e.code === "revoked");
});

test("without a server a run ends, and bytes are counted by day", async () => {
  const device = await Device.enrolled("offline");
  await device.record("waits");
  device.carry = overFetch("http://127.0.0.1:9");
  await assert.rejects(device.sync(), (e) => e instanceof SyncError && e.code === "offline");
  const counter = await Counter.open(device.keeper);
  await counter.add({ sent: 10, received: 20 }, "2026-11-24");
  await counter.add({ sent: 1, received: 2 }, "2026-11-24");
  assert.deepEqual((await Counter.open(device.keeper)).of("2026-11-24"), { sent: 11, received: 22 });
  await device.restart();
  assert.equal((await device.phone.summary()).unsent, 1);
});
