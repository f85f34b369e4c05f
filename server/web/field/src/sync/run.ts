// A run of syncing: request by request, until there is nothing left to say. What is said, and what becomes of the answers,
// is the session's business (core/phone.ts). Here are time-outs, trying again, tokens and counting.
//
// It may be cut anywhere and begun again any time: a request is repeated as it was or made anew, and an answer counts once it
// was taken over whole.

import type { Received } from "../core/phone";
import type { Phone } from "../core/phone";
import { CoreError, type NextRequest } from "../core/types";
import type { Answer } from "./calls";
import type { Proof } from "./proof";
import { SMALL } from "./proof";
import { SyncError } from "./trouble";

/** How far a run is. */
export interface Progress {
  /** Changes that had to be sent when it began. */
  toSend: number;
  /** Changes that the server has answered for. */
  sent: number;
  /** Entries that came. */
  received: number;
  /** Bytes of bodies as they travelled. */
  bytesUp: number;
  bytesDown: number;
}

/** What a run did. */
export interface Report extends Progress {
  requests: number;
  /** How often the link broke. */
  interruptions: number;
  /** Form versions that were fetched. */
  forms: number;
  revoked: boolean;
  /** The server's clock minus the phone's, in milliseconds: past some minutes the phone's clock is worth a hint. */
  skew?: number;
}

export interface Watch {
  moved?(progress: Progress): void;
  /** The link broke; the run goes on. */
  interrupted?(code: string): void;
  /** Waits before another try; tests do not. */
  pause?(ms: number): Promise<void>;
  /** Ends the run between two requests. */
  signal?: AbortSignal;
}

const CLIENT = "field/0.1.0";
/** How often one request is tried before the run ends. */
const TRIES = 6;
/** What a request may take, before its size is counted, in milliseconds. */
const PATIENCE = 40_000;
/** The slowest link that is waited for, in bytes a millisecond. */
const SLOWEST = 0.25;

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Sends what the server lacks and takes what it has for this phone. */
export async function sync(phone: Phone, proof: Proof, watch: Watch = {}): Promise<Report> {
  const summary = await phone.summary();
  const report: Report = {
    toSend: summary.unsent, sent: 0, received: 0, bytesUp: 0, bytesDown: 0, requests: 0, interruptions: 0, forms: 0, revoked: false,
  };
  const run = new Run(phone, proof, watch, report);
  await run.exchange();
  await run.fetchForms();
  const me = await phone.me();
  report.revoked = me?.revoked ?? false;
  if (!report.revoked && !run.learned) await run.learn();
  return report;
}

class Run {
  learned = false;

  constructor(
    private readonly phone: Phone,
    private readonly proof: Proof,
    private readonly watch: Watch,
    private readonly report: Report,
  ) {}

  async exchange(): Promise<void> {
    await this.phone.beginRun(CLIENT);
    for (;;) {
      if (this.watch.signal?.aborted) throw new SyncError("offline");
      const request = await this.phone.nextRequest();
      if (!request) return;
      const answer = await this.persist(request);
      this.report.requests += 1;
      const next = await this.take(answer);
      if (next.next === "later") throw new SyncError("later", next.code);
      if (next.next === "stop") throw next.code === "device_revoked" ? new SyncError("revoked") : new SyncError("stopped", next.code);
      this.report.sent += next.sent ?? 0;
      this.report.received += next.received ?? 0;
      this.watch.moved?.(this.report);
    }
  }

  /** A reply that is not signed by keys that are known may be signed by newer ones: the pinned root has to vouch for them. */
  private async take(answer: Answer): Promise<Received> {
    try {
      return await this.phone.receive(answer.status, answer.body);
    } catch (e) {
      if (!(e instanceof CoreError)) throw e;
      if (e.code === "reply_not_signed" && !this.learned) {
        await this.learn();
        return { next: "again" };
      }
      throw translated(e);
    }
  }

  /** One request, tried until it is answered; the next ones are smaller each time a link is too slow for it. */
  private async persist(request: NextRequest): Promise<Answer> {
    const timeout = PATIENCE + request.body.length / SLOWEST;
    const { path, body, contentType } = request;
    let last: SyncError | undefined;
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      if (attempt > 0) await (this.watch.pause ?? wait)(250 * 2 ** attempt);
      if (this.watch.signal?.aborted) break;
      try {
        const answer = await this.proof.call({ path, body, contentType, timeout });
        this.count(answer);
        await this.phone.paced({ raw: body.length, packed: answer.sent, first: attempt === 0 });
        return answer;
      } catch (e) {
        if (!(e instanceof SyncError) || (e.code !== "offline" && e.code !== "timeout")) throw e;
        this.report.interruptions += 1;
        this.watch.interrupted?.(e.code);
        await this.phone.paced(null);
        last = e;
        // Without any connection at all there is no point in waiting.
        if (typeof navigator !== "undefined" && navigator.onLine === false) break;
      }
    }
    throw last ?? new SyncError("offline");
  }

  /** Form versions that were published since. One that cannot be had now is asked for again by the next run. */
  async fetchForms(): Promise<void> {
    const me = await this.phone.me();
    for (const hash of me?.wanted ?? []) {
      const answer = await this.proof.call({ path: `/sync/v1/forms/${hash}`, timeout: SMALL });
      this.count(answer);
      if (answer.status !== 200) continue;
      try {
        await this.phone.delivered(hash, answer.body);
      } catch (e) {
        throw e instanceof CoreError ? translated(e) : e;
      }
      this.report.forms += 1;
    }
  }

  /** The role of its user, and the organisation's keys. */
  async learn(): Promise<void> {
    this.learned = true;
    const answer = await this.proof.call({ path: "/api/v1/device", timeout: SMALL });
    this.count(answer);
    if (answer.status !== 200) return;
    try {
      await this.phone.learn(answer.body);
    } catch (e) {
      throw e instanceof CoreError ? translated(e) : e;
    }
  }

  private count(answer: Answer): void {
    this.report.bytesUp += answer.sent;
    this.report.bytesDown += answer.received;
    if (answer.skew !== undefined) this.report.skew = answer.skew;
    this.watch.moved?.(this.report);
  }
}

/** What the core refuses of an answer, for the pages. What it refuses of the phone itself stays as it is. */
function translated(e: CoreError): Error {
  switch (e.code) {
    case "reply_not_signed":
    case "reply_mismatch":
      return new SyncError("untrusted", e.code);
    case "reply_unreadable":
    case "form_damaged":
      return new SyncError("unreadable", e.code);
    default:
      return e;
  }
}
