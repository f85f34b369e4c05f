// What goes wrong between phone and server, as codes that the pages have words for. No code says anything of a person.

/**
 * "offline": no connection, or it broke, however often it was tried. "timeout": the link is too slow for anything.
 * "unreadable": the answer is not one (a proxy's page, an older server). "untrusted": not the organisation of the link.
 * "revoked": this phone was revoked. "unknown": the server does not know this phone. "later": the server is busy or has
 * stopped writing; `detail` is its code. "stopped": it does not take what this phone sends; `detail` is its code.
 * "enrol_code_expired", "enrol_code_used", "enrol_refused": the link is no longer good, or never was.
 */
export type SyncCode =
  | "offline"
  | "timeout"
  | "unreadable"
  | "untrusted"
  | "revoked"
  | "unknown"
  | "later"
  | "stopped"
  | "enrol_code_expired"
  | "enrol_code_used"
  | "enrol_refused";

/** A run that ended before its end. Nothing of the phone's is lost; what was acknowledged stays acknowledged. */
export class SyncError extends Error {
  constructor(
    readonly code: SyncCode,
    readonly detail?: string,
  ) {
    super(detail === undefined ? code : `${code}: ${detail}`);
    this.name = "SyncError";
  }
}

/** The code and whether it passes, from a problem document (RFC 9457); "" from anything else. */
export function problem(body: Uint8Array): { code: string; retryable: boolean } {
  try {
    const json = JSON.parse(new TextDecoder().decode(body)) as { code?: unknown; retryable?: unknown } | null;
    return { code: typeof json?.code === "string" ? json.code : "", retryable: json?.retryable === true };
  } catch {
    return { code: "", retryable: false };
  }
}
