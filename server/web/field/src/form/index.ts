// The interview as the app uses it: `openForm` gives an element and the few things that the app does with it.
//
// Not here: where records live (core/), which page of the app it stands on (pages/).

import type { Key, Value } from "../core/types";
import { openSession, type OpenOptions } from "./open";
import type { Attachments } from "./render/context";
import { h } from "./render/dom";
import { Interview } from "./render/interview";
import type { Session } from "./session";
import { type Say, sayEnglish } from "./texts";
import type { RecordView } from "../core/types";
import { unwatched } from "./watch";

export type { Attachments, FileRef } from "./render/context";
export { forgetForms, warmUp } from "./open";
export { TEXTS, type Say, type TextKey } from "./texts";

export interface FormOptions extends OpenOptions {
  attachments: Attachments;
  /** The form's language to begin with, by its name or code. */
  language?: string | undefined;
  say?: Say | undefined;
  /** The interview was ended and saved as complete. */
  finished?(): void;
}

export interface OpenedForm {
  element: HTMLElement;
  session: Session;
  languages(): string[];
  /** By name or code; nothing where the form has no such language. */
  setLanguage(language: string): void;
  /** Saves what is pending; done when it is durable or cannot be saved now. */
  flush(): Promise<void>;
  /** Changes that are not saved: before consent, or because saving fails. */
  pending(): ReadonlyMap<Key, Value>;
  /** The record changed meanwhile: shows it as it is now, and keeps what was not saved. Resolves to the number of answers that differ. */
  refresh(view: RecordView): Promise<number>;
  /** Where the person is, for `goto`. */
  place(): string;
  goto(path: string): void;
  close(): Promise<void>;
}

/** Opens a form on a record, or on none yet. */
export async function openForm(options: FormOptions): Promise<OpenedForm> {
  const element = h("div", { class: "form" });
  const say = options.say ?? sayEnglish;
  let session = await openSession(options);
  let interview = begin(session);
  speak(options.language);
  element.append(interview.element);

  function begin(on: Session): Interview {
    const around = {
      session: on,
      say,
      files: options.files,
      attachments: options.attachments,
      languageCode: () => ofThisPhone(codeOf(on.given.form.language)),
      mayStore: () => on.mayStore(),
    };
    return new Interview(around, { finish: () => on.finish(), finished: () => options.finished?.(), speak });
  }

  function speak(wanted: string | undefined): void {
    const { form } = session.given;
    const base = (code: string | undefined) => code?.split("-")[0];
    const name =
      form.languages.find((l) => l === wanted || codeOf(l) === wanted) ??
      // "zh-Hans" of the app is "zh" of many forms.
      form.languages.find((l) => wanted !== undefined && base(codeOf(l)) === base(codeOf(wanted)));
    if (name !== undefined) form.speak(name);
  }

  function draw(place: string): void {
    interview.end();
    interview = begin(session);
    element.replaceChildren(interview.element);
    interview.go(place);
  }

  // What was typed is saved when the page may be gone the next moment.
  const leave = () => {
    if (document.visibilityState === "hidden") void session.flush();
  };
  const gone = () => void session.flush();
  document.addEventListener("visibilitychange", leave);
  globalThis.addEventListener("pagehide", gone);
  globalThis.addEventListener("blur", gone);

  return {
    element,
    get session() {
      return session;
    },
    languages: () => session.given.form.languages,
    setLanguage(language) {
      speak(language);
      // The texts of the controls may be in another language now, too.
      draw(interview.place());
    },
    flush: () => session.flush(),
    pending: () => session.pending(),
    place: () => interview.place(),
    goto: (path) => interview.go(path),
    async refresh(view) {
      await session.flush();
      const before = session;
      const place = interview.place();
      const language = unwatched(() => before.given.form.language);
      session = await openSession({ ...options, view, pending: before.pending() });
      before.close();
      speak(language);
      draw(place);
      const count = before.differences(session);
      if (count > 0) interview.announce(say("changed_meanwhile", { count }));
      return count;
    },
    async close() {
      document.removeEventListener("visibilitychange", leave);
      globalThis.removeEventListener("pagehide", gone);
      globalThis.removeEventListener("blur", gone);
      await session.flush();
      session.close();
      interview.end();
      element.remove();
    },
  };
}

/** The phone's own variant of a language, which has its own way of writing days. */
function ofThisPhone(code: string | undefined): string | undefined {
  return navigator.languages.find((l) => l.split("-")[0] === code) ?? code;
}

/** "km" of "Khmer (km)", if it is a code that the browser can read. */
function codeOf(language: string): string | undefined {
  const code = /\(([A-Za-z0-9-]+)\)\s*$/.exec(language)?.[1] ?? (/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/.test(language) ? language : undefined);
  try {
    return code === undefined ? undefined : Intl.getCanonicalLocales(code)[0];
  } catch {
    return undefined;
  }
}
