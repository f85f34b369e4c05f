// Calls to the server over fetch: compressed on the way up where the browser can, bounded in time and size, counted.
// Not here: tokens (proof.ts), what is said (run.ts), trying again (run.ts).

import { SyncError } from "./trouble";

export interface Call {
  path: string;
  /** With a body it is a POST, without a GET. */
  body?: Uint8Array;
  contentType?: string;
  token?: string | undefined;
  /** Milliseconds that all of it may take. */
  timeout: number;
}

export interface Answer {
  status: number;
  /** Decompressed. */
  body: Uint8Array;
  /** Bytes of the request's body as they travelled. */
  sent: number;
  /** Bytes of the answer's body as they travelled, as far as the browser tells; else as they were read. */
  received: number;
  /** The server's clock minus the phone's, in milliseconds, as far as the answer tells. */
  skew?: number;
}

/** Carries calls to one server: an interface, so that tests can cut it anywhere. */
export type Carrier = (call: Call) => Promise<Answer>;

/** Bytes as they move. */
export interface Moved {
  sent: number;
  received: number;
}

/** The largest answer that is read. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Smaller bodies grow when they are compressed. */
const WORTH_PACKING = 256;

/** Calls over `fetch` to `server` (scheme, host, port); `moved` hears of bytes while an answer comes in. */
export function overFetch(server: string, moved: (bytes: Moved) => void = () => undefined): Carrier {
  return async (call) => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), call.timeout);
    try {
      return await fetched(server, call, abort.signal, moved);
    } catch (cause) {
      if (cause instanceof SyncError) throw cause;
      throw Object.assign(new SyncError(abort.signal.aborted ? "timeout" : "offline"), { cause });
    } finally {
      clearTimeout(timer);
    }
  };
}

async function fetched(server: string, call: Call, signal: AbortSignal, moved: (bytes: Moved) => void): Promise<Answer> {
  const headers: Record<string, string> = {};
  if (call.token !== undefined) headers["authorization"] = `Bearer ${call.token}`;
  let body: Uint8Array<ArrayBuffer> | undefined;
  if (call.body) {
    headers["content-type"] = call.contentType ?? "application/json";
    const packed = await gzip(call.body);
    if (packed) headers["content-encoding"] = "gzip";
    body = packed ?? new Uint8Array(call.body);
  }
  const timings = typeof performance !== "undefined" && "clearResourceTimings" in performance;
  // Its buffer is small, and once full hears no more.
  if (timings) performance.clearResourceTimings();
  const response = await fetch(server + call.path, {
    method: body ? "POST" : "GET",
    headers,
    ...(body ? { body } : {}),
    signal,
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    referrerPolicy: "no-referrer",
  });
  const sent = body?.length ?? 0;
  moved({ sent, received: 0 });
  const read = await readAll(response, moved);
  const date = Date.parse(response.headers.get("date") ?? "");
  return {
    status: response.status,
    body: read,
    sent,
    received: onTheWire(response, timings) ?? read.length,
    ...(Number.isNaN(date) ? {} : { skew: date - Date.now() }),
  };
}

/** The size of an answer's body before it was decompressed, as far as the browser tells. */
function onTheWire(response: Response, timings: boolean): number | undefined {
  const length = response.headers.get("content-length");
  if (length !== null && /^\d+$/.test(length)) return Number(length);
  const timing = timings ? performance.getEntriesByName(response.url).at(-1) : undefined;
  const size = timing && "encodedBodySize" in timing ? Number(timing.encodedBodySize) : 0;
  return size > 0 ? size : undefined;
}

async function readAll(response: Response, moved: (bytes: Moved) => void): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw new SyncError("unreadable");
    }
    parts.push(value);
    moved({ sent: 0, received: value.length });
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** undefined where the browser cannot, or where it does not pay. */
async function gzip(body: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body.length < WORTH_PACKING || typeof CompressionStream === "undefined") return undefined;
  const stream = new Blob([new Uint8Array(body)]).stream().pipeThrough(new CompressionStream("gzip"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  return packed.length < body.length ? packed : undefined;
}
