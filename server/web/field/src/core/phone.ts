// The phone: steps of the session, one after the other, each durable before it counts.
//
// A step runs in the WASM. What it misses is read from the keeper, what it must have verified is verified, and it is run
// again; what it changed is written, and only then it has happened. Not here: HTTP, times of trying again, sealing.

import { Face } from "./made/core";

import { randomHex } from "./hex";
import type { Change, Keeper } from "./keeper";
import type {
  Form, FormHash, FormVersion, Key, ListItem, Me, Next, NextRequest, Obstacle, Opened, Policy, RecordId, RecordView, Save, Saved,
  Summary,
} from "./types";
import { CoreError, type CoreCode } from "./types";
import { type Ask, verdicts } from "./verify";

interface Outcome {
  ok?: unknown;
  missing?: string[];
  verify?: Ask[];
  refused?: { code: CoreCode; key?: Key; session?: number };
}

/** The name of a step (sync-core/bindings/wasm/src/step.rs) with its members. */
interface Step {
  step: string;
  [member: string]: unknown;
}

/** How safe is safe enough to be emptied: in a copy off the server's machine, or on the server. */
export type Safe = "copied" | "stored";

/** How an answer was taken: how to go on, and how much went. */
export type Received = Next & { sent?: number; received?: number };

const NOTHING = new Uint8Array();
/** A step that is still asking for more after that many rounds asks for what nobody has. */
const ROUNDS = 64;

/** Every promise that resolves is durable; every rejection changed nothing. */
export class Phone {
  private last: Promise<unknown> = Promise.resolve();
  private heard = new Set<() => void>();
  private closed = false;

  private constructor(
    private readonly face: Face,
    private readonly keeper: Keeper,
  ) {}

  /** Loads a profile; the WASM must have been initialised (`init` of made/core). */
  static async open(keeper: Keeper): Promise<Phone> {
    const face = new Face();
    for (const { table, key, value } of await keeper.eager()) {
      if (!face.load(table, key, value)) throw new CoreError("store");
    }
    for (const { key, brief } of await keeper.briefs("held")) face.loadBrief(key, brief);
    return new Phone(face, keeper);
  }

  /** Forgets everything in memory. Steps that wait are refused. */
  async lock(): Promise<void> {
    this.closed = true;
    await this.last;
    this.face.free();
  }

  /** Is called after every step that changed rows. Returns what ends it. */
  onChange(heard: () => void): () => void {
    this.heard.add(heard);
    return () => this.heard.delete(heard);
  }

  // What is here.

  me(): Promise<Me | null> {
    return this.step({ step: "me" });
  }
  list(): Promise<ListItem[]> {
    return this.step({ step: "list" });
  }
  view(record: RecordId): Promise<RecordView> {
    return this.step({ step: "view", record });
  }
  forms(): Promise<FormVersion[]> {
    return this.step({ step: "forms" });
  }
  form(hash: FormHash): Promise<Form> {
    return this.step({ step: "form", hash });
  }
  policies(formId: string): Promise<Policy[]> {
    return this.step({ step: "policies", form_id: formId });
  }
  person(actor: number): Promise<{ name: string; user: string | null } | null> {
    return this.step({ step: "person", actor });
  }
  summary(): Promise<Summary> {
    return this.step({ step: "summary" });
  }
  obstacles(confirm: Safe): Promise<Obstacle[]> {
    return this.step({ step: "obstacles", confirm });
  }

  // Recording.

  /** A new record; it exists from its first save on. */
  create(form: FormHash): Promise<Opened> {
    return this.step({ step: "create", record: randomHex(16), form });
  }
  /** With the newest version of its form, if none is named. */
  open(record: RecordId, form?: FormHash): Promise<Opened> {
    return this.step({ step: "open", record, form });
  }
  /** The same, ending a session that has it open. */
  takeOver(record: RecordId, form?: FormHash): Promise<Opened> {
    return this.step({ step: "take_over", record, form });
  }
  /** Shows the record as it is now: what was shown before no longer counts. */
  refresh(session: number): Promise<Opened> {
    return this.step({ step: "refresh", session });
  }
  /** The keys that somebody answered after this session was shown them. */
  changedSince(session: number): Promise<Key[]> {
    return this.step({ step: "changed_since", session });
  }
  /** One changeset. Resolved: it survives a power cut. */
  save(session: number, save: Save, now = Date.now()): Promise<Saved> {
    return this.step({ step: "save", session, ...save, now });
  }
  close(session: number): Promise<void> {
    return this.step({ step: "close", session });
  }
  /** Sessions that are open, also those that a crash left. */
  sessions(): Promise<Opened[]> {
    return this.step({ step: "sessions" });
  }
  /** Empties the phone; resolves to the number of records that went. */
  empty(confirm: Safe): Promise<number> {
    return this.step({ step: "empty", confirm });
  }

  // Syncing: sync/ calls these.

  /** The name of an enrolment, kept before anything is sent; the same for the same link. */
  enrolling(link: string): Promise<{ instance: string }> {
    return this.step({ step: "enrolling", link, random: randomHex(16) });
  }
  enrolled(
    what: { server: string; organisation: string; root: string; label?: string; device_key: string },
    reply: Uint8Array,
  ): Promise<Me> {
    return this.step({ step: "enrolled", ...what }, reply);
  }
  /** Starts a run of syncing. */
  beginRun(client: string): Promise<void> {
    return this.step({ step: "begin_run", client });
  }
  /** The next call; none when there is nothing left to say. */
  nextRequest(now = Date.now()): Promise<NextRequest | undefined> {
    return this.inTurn(async () => {
      type Asked = { path: string; contentType: string; items: number } | null;
      const asked = await this.run<Asked>({ step: "next_request", random: randomHex(16), now }, NOTHING);
      return asked === null ? undefined : { ...asked, body: this.face.body() };
    });
  }
  /** Takes over an answer to the last request. A rejection changed nothing. */
  receive(status: number, body: Uint8Array): Promise<Received> {
    return this.step({ step: "receive", status }, body);
  }
  /** How the link carried the last request: bytes before and after compression; null if it broke. */
  paced(went: { raw: number; packed: number; first: boolean } | null): Promise<void> {
    return this.step({ step: "paced", first: false, ...went });
  }
  /** What the server says of this device. */
  learn(body: Uint8Array): Promise<void> {
    return this.step({ step: "learn" }, body);
  }
  /** A form version that was fetched. */
  delivered(hash: FormHash, body: Uint8Array): Promise<void> {
    return this.step({ step: "delivered", hash }, body);
  }

  private step<T>(step: Step, body: Uint8Array = NOTHING): Promise<T> {
    return this.inTurn(() => this.run<T>(step, body));
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(() => {
      if (this.closed) throw new CoreError("store");
      return work();
    });
    this.last = mine.catch(() => undefined);
    return mine;
  }

  private async run<T>(step: Step, body: Uint8Array): Promise<T> {
    const { step: name, ...members } = step;
    const text = JSON.stringify(Object.keys(members).length > 0 ? { [name]: members } : name);
    for (let round = 0; round < ROUNDS; round += 1) {
      const outcome = this.spoken(text, body);
      if (outcome.missing) await this.load(outcome.missing);
      else if (outcome.verify) this.face.answer(Uint8Array.from(await verdicts(outcome.verify), Number));
      else if (outcome.refused) throw new CoreError(outcome.refused.code, outcome.refused.key, outcome.refused.session);
      else {
        await this.write();
        return outcome.ok as T;
      }
    }
    throw new CoreError("store");
  }

  private spoken(text: string, body: Uint8Array): Outcome {
    try {
      return JSON.parse(this.face.step(text, body)) as Outcome;
    } catch (cause) {
      // It trapped: what is in its memory is worth nothing, and what is durable is whole. Only opening anew helps.
      this.closed = true;
      throw Object.assign(new CoreError("store"), { cause });
    }
  }

  private async load(records: string[]): Promise<void> {
    for (const key of records) {
      const value = await this.keeper.read("held", key);
      if (!value || !this.face.load("held", key, value)) throw new CoreError("store");
    }
  }

  /** What the step changed becomes durable, or did not happen. */
  private async write(): Promise<void> {
    const changes = this.changes();
    if (changes.length > 0) {
      try {
        await this.keeper.write(changes);
      } catch (cause) {
        this.face.rollback();
        throw Object.assign(new CoreError("store"), { cause });
      }
    }
    this.face.commit();
    if (changes.length > 0) for (const heard of this.heard) heard();
  }

  private changes(): Change[] {
    const names = JSON.parse(this.face.changes()) as [string, string, boolean][];
    if (names.length === 0) return [];
    const bytes = this.face.changed();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    const part = (): Uint8Array => {
      const length = view.getUint32(at, true);
      at += 4 + length;
      return bytes.slice(at - length, at);
    };
    return names.map(([table, key, there]) => {
      const [value, brief] = [part(), part()];
      if (!there) return { table, key, value: null };
      return brief.length > 0 ? { table, key, value, brief } : { table, key, value };
    });
  }
}
