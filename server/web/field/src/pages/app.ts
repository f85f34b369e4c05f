/**
 * The frame around every page, and the way from one to the next.
 *
 * Which page is shown stands in memory alone: addresses and the browser's history hold a number, never a record.
 * Not here: what is on a page (one file each).
 */
import type { Desk, Door } from "../desk/desk.ts";
import { troubleOf } from "../desk/troubles.ts";
import type { EnrolLink } from "../desk/link.ts";
import { type Child, h, live, scoped } from "../ui/dom.ts";
import { button } from "../ui/parts.ts";
import { effect, type Signal, signal } from "../ui/signal.ts";
import { LANGUAGES, type Language, language, languageName, say, setLanguage, type Trouble } from "../words/index.ts";
import { emptyPage } from "./empty.ts";
import { donePage, enrolPage } from "./enrol.ts";
import { helpPage } from "./help.ts";
import { listPage } from "./list.ts";
import { recordPage } from "./record.ts";
import { settingsPage } from "./settings.ts";
import { statusBar } from "./status.ts";
import { syncPage } from "./sync.ts";
import { unlockPage } from "./unlock.ts";
import type { Updates } from "./updates.ts";

export type Place =
  | { page: "enrol"; link?: EnrolLink | undefined; unfinished?: boolean }
  | { page: "done" }
  | { page: "unlock"; trouble?: Trouble | undefined }
  | { page: "list" | "sync" | "empty" | "help" | "settings" }
  | { page: "record"; record?: string; form?: string };

/** A page: its title, what is on it, and whether it redraws itself when the language changes. */
export interface Page {
  title: string;
  content: Child;
  /** The page keeps what it shows when the language changes: an open form. */
  relabel?: () => void;
  /** Asked before another page comes. */
  leave?: () => Promise<void>;
}

export class App {
  readonly desk: Signal<Desk | undefined> = signal<Desk | undefined>(undefined);
  /** While an interview is open: nothing of the app is replaced then. */
  readonly formOpen = signal(false);
  /** The interview's page is shown. */
  readonly interviewing = signal(false);
  /** What the list was left with. */
  search = { text: "", filter: "all", shown: 50 };
  readonly #main = h("main", { id: "main", tabindex: "-1" });
  readonly #title = h("h1");
  readonly #trail: Place[] = [];
  #at = 0;
  #shown: Page | undefined;
  #end: () => void = () => undefined;
  #language = language.peek();
  /** Pages come one after the other. */
  #turn: Promise<void> = Promise.resolve();

  constructor(readonly door: Door, readonly updates: Updates) {}

  start(root: HTMLElement, first: Place): void {
    root.replaceChildren(...this.#frame());
    addEventListener("popstate", (event: PopStateEvent) => this.#back(event.state));
    history.replaceState(0, "");
    this.#trail[0] = first;
    effect(() => {
      const chosen = language.value;
      document.documentElement.lang = chosen;
      if (chosen === this.#language) return;
      this.#language = chosen;
      if (this.#shown?.relabel) {
        this.#shown.relabel();
        this.#title.textContent = say("record_title");
      } else void this.#show(this.#trail[this.#at] as Place);
    });
    void this.#show(first);
  }

  go(place: Place): void {
    this.#at += 1;
    this.#trail.splice(this.#at, this.#trail.length, place);
    history.pushState(this.#at, "");
    void this.#show(place);
  }

  /** Without a way back: after unlocking, locking, finishing. */
  replace(place: Place): void {
    this.#trail.length = 1;
    this.#trail[0] = place;
    if (this.#at !== 0) history.pushState(0, "");
    this.#at = 0;
    void this.#show(place);
  }

  back(): void {
    if (this.#at > 0) history.back();
    else this.replace({ page: "list" });
  }

  opened(desk: Desk): void {
    this.desk.value = desk;
    desk.onLock((trouble) => {
      this.desk.value = undefined;
      this.formOpen.value = false;
      // A search may be a name.
      this.search = { text: "", filter: "all", shown: 50 };
      this.replace({ page: "unlock", trouble });
    });
  }

  /** Locks, after what was typed is saved. */
  async lock(): Promise<void> {
    await this.#shown?.leave?.().catch(() => undefined);
    await this.desk.peek()?.lock();
  }

  /** Draws the page that is shown again. */
  again(): void {
    void this.#show(this.#trail[this.#at] as Place);
  }

  #back(state: unknown): void {
    this.#at = typeof state === "number" && this.#trail[state] ? state : 0;
    void this.#show(this.#trail[this.#at] as Place);
  }

  #show(place: Place): Promise<void> {
    this.#turn = this.#turn.then(() => this.#draw(place));
    return this.#turn;
  }

  async #draw(place: Place): Promise<void> {
    const before = this.#shown;
    this.#shown = undefined;
    // What was typed is saved before its page goes; if that fails, the page has said so.
    await before?.leave?.().catch(() => undefined);
    this.#end();
    const [page, end] = scoped(() => this.#page(this.desk.peek() || isOutside(place) ? place : { page: "unlock" }));
    this.#end = end;
    this.#shown = page;
    this.interviewing.value = place.page === "record" && this.desk.peek() !== undefined;
    document.body.classList.toggle("interviewing", this.interviewing.peek());
    this.#title.textContent = page.title;
    this.#main.replaceChildren(h("div", { class: page.relabel ? "" : "sheet" }, page.content));
    scrollTo(0, 0);
    this.#title.focus({ preventScroll: true });
  }

  #page(place: Place): Page {
    const desk = this.desk.peek();
    if (place.page === "enrol") return enrolPage(this, place.link, place.unfinished ?? false);
    if (place.page === "help") return helpPage();
    if (place.page === "unlock" || !desk) return unlockPage(this, place.page === "unlock" ? place.trouble : undefined);
    switch (place.page) {
      case "done": return donePage(this);
      case "list": return listPage(this, desk);
      case "record": return recordPage(this, desk, place);
      case "sync": return syncPage(this, desk);
      case "empty": return emptyPage(this, desk);
      case "settings": return settingsPage(this, desk);
    }
  }

  #frame(): HTMLElement[] {
    this.#title.tabIndex = -1;
    const nav = live(() => {
      const desk = this.desk.value;
      void language.value;
      // During an interview nothing but the way out: the rest of the screen is the person's.
      if (desk && this.interviewing.value) return h("nav", { "aria-label": say("menu") }, button(say("record_close"), () => this.back(), "link"), button(say("settings_lock_now"), () => void this.lock(), "link"));
      const go = (page: "sync" | "help" | "settings", text: string) => button(text, () => this.go({ page }), "link");
      return h("nav", { "aria-label": say("menu") },
        desk ? button(say("list_title"), () => this.replace({ page: "list" }), "link") : null,
        desk ? go("sync", say("sync_title")) : null,
        go("help", say("help_title")),
        desk ? go("settings", say("settings_title")) : null,
        desk ? button(say("settings_lock_now"), () => void this.lock(), "link") : null,
        desk ? null : languageChoice());
    });
    const skip = live(() => h("a", { class: "skip", href: "#main", on: { click: (event) => { event.preventDefault(); this.#main.focus(); } } }, say("skip")));
    const bar = live(() => {
      const desk = this.desk.value;
      return desk ? statusBar(this, desk) : null;
    });
    return [skip, h("header", null, this.#title, nav), this.#main, h("footer", null, bar)];
  }
}

export function languageChoice(): HTMLElement {
  const options = LANGUAGES.map((one) => h("option", { value: one, lang: one, ...(one === language.peek() ? { selected: true } : {}) }, languageName(one)));
  return h("select", { "aria-label": say("language"), class: "language", on: { change: (event) => setLanguage((event.target as HTMLSelectElement).value as Language) } }, options);
}

function isOutside(place: Place): boolean {
  return place.page === "enrol" || place.page === "help" || place.page === "unlock";
}

/** Runs something and shows what went wrong in its place. */
export async function attempt(work: () => Promise<void>, show: (trouble: Trouble | undefined) => void): Promise<void> {
  show(undefined);
  try {
    await work();
  } catch (error) {
    show(troubleOf(error));
  }
}
