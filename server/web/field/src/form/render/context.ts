// What every part of the drawing needs.
//
// Not here: state of answers (session.ts).

import type { FormFiles, Node } from "../engine";
import type { Session } from "../session";
import type { Say } from "../texts";

/** A file that was taken in, as the record names it. */
export interface FileRef {
  sha256: string;
  size: number;
  type: string;
}

/** Where files of answers go and come from. */
export interface Attachments {
  /** Stores a file, resolved when it is durable. */
  add(file: File): Promise<{ ref: FileRef; name?: string; thumbnail?: Blob }>;
  /** The bytes, or a small picture of them; undefined while they are not on this phone. */
  open(ref: FileRef, small?: boolean): Promise<Blob | undefined>;
}

export interface Context {
  session: Session;
  say: Say;
  files: FormFiles;
  attachments: Attachments;
  /** Whether mistakes of this question are shown: the person has been there. */
  touched(node: Node): boolean;
  touch(node: Node): void;
  /** Says something to a screen reader, when it is quiet. */
  announce(text: string): void;
  /** The code of the form's language: "km"; undefined where it names none. */
  languageCode(): string | undefined;
  /** Whether anything may be stored yet: a file would be, at once. */
  mayStore(): boolean;
}

/** Ids that tie a control to its question. */
export interface Ties {
  control: string;
  label: string;
  /** aria-describedby: hint, problem. */
  described: string;
}

/** Draws the control of a question. */
export type Draw = (node: Node, context: Context, ties: Ties) => HTMLElement;
