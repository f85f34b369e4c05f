/**
 * Errors of the vault, the core and the sync as troubles that have words.
 * An error that nobody expected is named by its code or kind alone, never by its text: a text could quote an answer.
 */
import { CoreError } from "../core/types.ts";
import { SyncError } from "../sync/index.ts";
import { VaultError } from "../vault/errors.ts";
import type { Trouble } from "../words/index.ts";
import { Refused } from "./desk.ts";

type Key = Trouble["key"];

const VAULT: Partial<Record<VaultError["code"], Key>> = {
  wrong_secret: "trouble_wrong_secret",
  wait: "trouble_wait",
  weak_secret: "trouble_weak_secret",
  wiped: "trouble_wiped",
  elsewhere: "trouble_elsewhere",
  locked: "trouble_locked",
  storage_full: "trouble_storage_full",
  storage_refused: "trouble_storage_refused",
  damaged: "trouble_damaged",
  newer_format: "trouble_newer",
};

const CORE: Partial<Record<CoreError["code"], Key>> = {
  not_shown: "trouble_not_shown",
  needs_decision: "trouble_not_allowed",
  not_allowed: "trouble_not_allowed",
  role: "trouble_not_allowed",
  record_unknown: "trouble_gone",
  form_closed: "trouble_gone",
  form_unknown: "trouble_form",
  form_damaged: "trouble_form",
  revoked: "trouble_revoked",
  untrusted: "trouble_untrusted",
  too_large: "trouble_too_large",
  store: "trouble_damaged",
};

const SYNC: Partial<Record<SyncError["code"], Key>> = {
  offline: "trouble_offline",
  timeout: "trouble_offline",
  unreadable: "trouble_server",
  later: "trouble_server",
  untrusted: "trouble_untrusted",
  revoked: "trouble_revoked",
  enrol_code_expired: "trouble_code",
  enrol_code_used: "trouble_code",
  enrol_refused: "trouble_code",
};

export function troubleOf(error: unknown): Trouble {
  if (error instanceof Refused) return error.trouble;
  if (error instanceof VaultError) return known(VAULT[error.code], error.code);
  if (error instanceof CoreError) {
    // A write that the vault refused: the vault says why.
    if (error.cause instanceof VaultError) return troubleOf(error.cause);
    return known(CORE[error.code], error.code);
  }
  if (error instanceof SyncError) return known(SYNC[error.code], error.detail ?? error.code);
  return known(undefined, error instanceof Error ? error.name : "?");
}

function known(key: Key | undefined, code: string): Trouble {
  return key ? { key } : { key: "trouble_unknown", with: { code } };
}

/** What a step refused, for people. */
export function refused(error: unknown): Refused {
  return error instanceof Refused ? error : new Refused(troubleOf(error), error instanceof VaultError ? error.wait : 0);
}
