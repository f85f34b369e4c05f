/**
 * The form as the interview's page uses it.
 * Not here: the form itself (form/).
 */
import type { Decision, Form, Key, Policy, RecordView, Saved, Value } from "../core/types.ts";

export interface FormOptions {
  form: Form;
  policies: readonly Policy[];
  view: RecordView | undefined;
  /** The face that this one takes the place of, with what it could not save yet. */
  before: FormFace | undefined;
  language: string;
  save(writes: [Key, Value][], shown: Key[], decisions?: Decision[]): Promise<Saved>;
  refused(): void;
  /** The person pressed the form's last button. */
  finished(): void;
  expectAbsence(): void;
  failed(error: unknown): void;
}

export interface FormFace {
  root: HTMLElement;
  setLanguage(language: string): void;
  /** Resolves when what was typed is durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export async function openForm(options: FormOptions): Promise<FormFace> {
  const root = document.createElement("p");
  root.textContent = options.form.title;
  return { root, setLanguage() {}, async flush() {}, async close() {} };
}
