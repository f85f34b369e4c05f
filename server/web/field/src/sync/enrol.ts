// Enrolment: one call, after which the phone can record for months without another. The same link may be used again when the
// answer was lost; what the server says is believed only if the root key that the link pins vouches for it.

import { toHex } from "../core/hex";
import type { Phone } from "../core/phone";
import { CoreError, type Me } from "../core/types";
import type { Carrier } from "./calls";
import { type DeviceKey, SMALL } from "./proof";
import { SyncError, problem } from "./trouble";

/** What an enrolment link says. */
export interface EnrolLink {
  /** Scheme, host and port. */
  server: string;
  organisation: string;
  code: string;
  /** SHA-256 of the organisation's root key. */
  root: string;
}

/** Enrols. Any rejection may be tried again with the same link, on the same profile. */
export async function enrol(phone: Phone, carry: Carrier, key: DeviceKey, link: EnrolLink, label?: string): Promise<Me> {
  const utf8 = new TextEncoder();
  const name = await crypto.subtle.digest("SHA-256", utf8.encode(`${link.server}#${link.organisation}#${link.code}`));
  const { instance } = await phone.enrolling(toHex(new Uint8Array(name)));
  const request = { code: link.code, public_key: key.publicHex, instance, ...(label ? { label } : {}) };
  const answer = await carry({ path: "/api/v1/enrol", body: utf8.encode(JSON.stringify(request)), timeout: SMALL });
  if (answer.status !== 200) throw refused(answer.status, answer.body);
  const { server, organisation, root } = link;
  try {
    return await phone.enrolled({ server, organisation, root, ...(label ? { label } : {}), device_key: key.publicHex }, answer.body);
  } catch (e) {
    if (e instanceof CoreError && e.code === "untrusted") throw new SyncError("untrusted");
    if (e instanceof CoreError && (e.code === "reply_unreadable" || e.code === "form_damaged")) throw new SyncError("unreadable");
    throw e;
  }
}

function refused(status: number, body: Uint8Array): SyncError {
  const { code, retryable } = problem(body);
  if (code === "enrol_code_expired" || code === "enrol_code_used") return new SyncError(code);
  if (retryable || (code === "" && status >= 500)) return new SyncError("later", code || String(status));
  return new SyncError("enrol_refused", code);
}
