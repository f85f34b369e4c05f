// The interview on the screen: one page at a time, how far one is, whether it is saved, and the way on.
//
// Not here: what is on a page (group.ts, question.ts), what a save is (session.ts).

import type { Node } from "../engine";
import type { TextKey } from "../texts";
import { apart, cell, unwatched, watch, watched } from "../watch";
import { conflict } from "./conflict";
import type { Context } from "./context";
import { type Child, h, newId, refill, show } from "./dom";
import { item } from "./group";
import { type Page, pagesOf, pageVisible, questionsOf } from "./pages";
import { isOpen, mistake } from "./question";
import { words } from "./wording";

export interface InterviewOptions {
  /** Ends the interview: the last save, with all that belongs to it. */
  finish(): Promise<boolean>;
  finished(): void;
  speak(language: string): void;
}

/** The page that is on: one of the form's, or the last. */
type At = Page | "end";

export class Interview {
  readonly element = h("div", { class: "interview" });
  private readonly pages: Page[];
  private readonly at = cell<At>("end");
  private readonly body = h("div", { class: "page" });
  private readonly voice = h("div", { class: "voice", role: "status", "aria-live": "polite" });
  private readonly places: Record<string, boolean> = watched({});
  /** The page on which the person may go on without what is needed. */
  private readonly mayPass = cell<string | undefined>(undefined);
  readonly end: () => void;
  private endPage: () => void = () => undefined;

  private readonly context: Context;

  constructor(
    around: Omit<Context, "touched" | "touch" | "announce">,
    private readonly options: InterviewOptions,
  ) {
    const context = (this.context = {
      ...around,
      touched: (node) => this.places[node.id] === true,
      touch: (node) => void (this.places[node.id] = true),
      announce: (text) => this.announce(text),
    } satisfies Context);
    this.pages = pagesOf(context.session.given.form.root);
    this.at.value = unwatched(() => this.seen()[0]) ?? "end";
    const ends = apart(() => {
      this.element.append(this.head(), this.body, this.foot(), this.voice, this.refusal());
      watch(() => {
        const at = this.at.value;
        this.endPage();
        this.endPage = apart(() => this.draw(at));
      });
      watch(() => {
        const dropped = context.session.kept.value === "dropped";
        if (dropped) this.dropped();
      });
    });
    this.end = () => {
      ends();
      this.endPage();
    };
  }

  /** Pages that the answers let be seen. */
  private seen(): Page[] {
    return this.pages.filter(pageVisible);
  }

  /** Where the person is, to come back to: the path of the first question of the page. */
  place(): string {
    const at = unwatched(() => this.at.value);
    return at === "end" ? "end" : (at.items[0]?.path ?? "");
  }
  go(path: string): void {
    if (path === "end") return this.turn("end");
    const page = this.pages.find((p) => [...questionsOf(p.items)].some((n) => n.path === path) || p.items.some((n) => n.path === path));
    if (page) this.turn(page);
  }

  private turn(to: At): void {
    this.mayPass.value = undefined;
    this.element.querySelector("details.contents")?.removeAttribute("open");
    this.at.value = to;
    queueMicrotask(() => {
      this.element.scrollIntoView({ block: "start" });
      this.body.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
    });
  }

  announce(text: string): void {
    // The same words twice are said twice.
    this.voice.textContent = "";
    queueMicrotask(() => (this.voice.textContent = text));
  }

  private head(): HTMLElement {
    const { say, session } = this.context;
    const bar = h("progress", { max: "1", value: "0", "aria-hidden": "true" });
    const place = h("span", { class: "place" });
    const list = h("ol", {});
    const contents = h("details", { class: "contents" }, h("summary", {}, h("span", { class: "voice" }, `${say("contents")}: `), place), list);
    watch(() => {
      const pages = this.seen();
      const at = this.at.value;
      const index = at === "end" ? pages.length : pages.indexOf(at);
      bar.max = pages.length;
      bar.value = at === "end" ? pages.length : index;
      place.textContent = at === "end" ? say("last_page") : say("page_of", { page: index + 1, pages: pages.length });
      const link = (to: At, text: string) => {
        const button = h("button", { type: "button", ...(to === at ? { "aria-current": "page" } : {}) }, text);
        button.addEventListener("click", () => this.turn(to));
        return h("li", {}, button);
      };
      const titles = pages.map((page) => this.title(page));
      // Pages of one group are told apart.
      const titled = titles.map((title, i) => (titles.indexOf(title) === titles.lastIndexOf(title) ? title : say("row_name", { label: title, number: titles.slice(0, i + 1).filter((t) => t === title).length })));
      refill(list, pages.map((page, i) => link(page, titled[i] ?? "")), link("end", say("last_page")));
    });
    const kept = h("p", { class: "kept", role: "status" });
    watch(() => {
      const now = session.kept.value;
      const texts: Record<typeof now, TextKey | undefined> = { clean: undefined, waiting: "waiting_consent", pending: "unsaved", saving: "saving", saved: "saved", failed: "save_failed", dropped: undefined };
      const text = texts[now];
      kept.className = `kept ${now}`;
      kept.textContent = text === undefined ? "" : `${now === "saved" ? "✓ " : ""}${say(text)}`;
    });
    const notice = h("p", { class: "mistake", role: "status" });
    watch(() => {
      const code = session.notice.value ?? session.answer("m.status").refused;
      notice.textContent = code === undefined ? "" : say(code === "needs_decision" ? "needs_decision" : "not_allowed");
    });
    return h("header", { class: "head" }, h("div", { class: "row" }, contents, this.languages()), bar, kept, notice);
  }

  private languages(): HTMLElement | undefined {
    const { form } = this.context.session.given;
    if (form.languages.length < 2) return undefined;
    const menu = h("select", { class: "language", "aria-label": this.context.say("language") }, form.languages.map((name) => h("option", { value: name }, nameOf(name))));
    menu.addEventListener("change", () => this.options.speak(menu.value));
    watch(() => {
      menu.value = form.language;
      const code = this.context.languageCode();
      if (code !== undefined) this.body.lang = code;
    });
    return menu;
  }

  /** The group's label; of questions without a group the first question. */
  private title(page: Page): string {
    const group = [...page.around].reverse().find((g) => g.label !== undefined && g.label.plain !== "");
    const first = page.items.find((n) => n.relevant && n.label !== undefined);
    return group?.label?.plain ?? first?.label?.plain ?? this.context.say("group_fallback");
  }

  private draw(at: At): void {
    const { say } = this.context;
    if (at === "end") return this.drawEnd();
    const heading = h("h2", { tabindex: "-1" });
    watch(() => {
      const around = at.around.filter((g) => g.label !== undefined && g.label.plain !== "");
      const last = around.at(-1)?.label;
      heading.classList.toggle("unseen", last === undefined);
      // A page without a group has no title of its own; a screen reader still needs a place to begin.
      refill(heading, around.slice(0, -1).map((g) => [h("small", {}, g.label?.plain ?? ""), " "]), last ? words(last) : say("page_of", { page: this.seen().indexOf(at) + 1, pages: this.seen().length }));
    });
    refill(this.body, heading, at.items.map((node) => item(node, this.context)));
  }

  private foot(): HTMLElement {
    const { say } = this.context;
    const back = h("button", { type: "button", class: "back" }, say("back"));
    const next = h("button", { type: "button", class: "next" });
    back.addEventListener("click", () => this.step(-1));
    next.addEventListener("click", () => void (this.at.value === "end" ? this.finish() : this.next()));
    watch(() => {
      const at = this.at.value;
      next.textContent = say(at === "end" ? "finish" : this.mayPass.value === at.id ? "next_anyway" : "next");
      back.disabled = at !== "end" && this.seen()[0] === at;
    });
    return h("footer", { class: "foot" }, back, next);
  }

  private step(by: number): void {
    const pages = unwatched(() => this.seen());
    const at = this.at.value;
    const index = at === "end" ? pages.length : pages.indexOf(at);
    this.turn(pages[index + by] ?? (by > 0 ? "end" : (pages[0] ?? "end")));
  }

  /** The next page, once what stands here is right. What is only missing may stay so: asked once, not insisted on. */
  private next(): void {
    const at = this.at.value;
    if (at === "end") return;
    const wrong = this.wrong(at);
    const onlyOpen = unwatched(() => wrong.every((node) => isOpen(node, this.context)));
    if (wrong.length === 0 || (onlyOpen && this.mayPass.value === at.id)) return this.step(1);
    this.mayPass.value = onlyOpen ? at.id : undefined;
    this.blame(wrong);
  }

  private wrong(page: Page): Node[] {
    return unwatched(() => (pageVisible(page) ? [...questionsOf(page.items)].filter((node) => isSeen(node) && mistake(node, this.context) !== undefined) : []));
  }

  /** Shows mistakes, says how many, and puts the cursor on the first. */
  private blame(wrong: readonly Node[]): void {
    for (const node of wrong) this.context.touch(node);
    const { say } = this.context;
    this.announce(wrong.length === 1 ? say("errors_here_one") : say("errors_here", { count: wrong.length }));
    queueMicrotask(() => {
      const first = this.body.querySelector<HTMLElement>(".question.wrong:not([hidden])");
      first?.closest("details")?.setAttribute("open", "");
      first?.scrollIntoView({ block: "start" });
      const control = first?.querySelector<HTMLElement>("[aria-invalid]:not(.behind)") ?? first?.querySelector<HTMLElement>("button");
      control?.focus({ preventScroll: true });
    });
  }

  private drawEnd(): void {
    const { say, session } = this.context;
    const heading = h("h2", { tabindex: "-1" }, say("end_title"));
    const open = h("section", {});
    watch(() => {
      const wrong = this.seen().flatMap((page) => [...questionsOf(page.items)].filter((node) => isSeen(node) && mistake(node, this.context) !== undefined).map((node) => ({ page, node })));
      refill(open, h("p", {}, say(wrong.length === 0 ? "end_ok" : "end_open")), h("ul", { class: "links" }, wrong.map(({ page, node }) => {
        const button = h("button", { type: "button" }, node.label?.plain || node.name);
        button.addEventListener("click", () => {
          this.context.touch(node);
          this.turn(page);
          queueMicrotask(() => this.blame([node]));
        });
        return h("li", {}, button);
      })));
    });
    const differing = unwatched(() => session.conflicts());
    refill(this.body, heading, open, differing.length === 0 ? undefined : h("section", {}, h("p", {}, say("end_conflicts")), differing.map((answer): Child => {
      const node = session.nodeAt(answer.key);
      const label = unwatched(() => node?.label?.plain || node?.name || "");
      return h("div", { class: "question" }, h("p", {}, label), conflict(answer, node, this.context, (value) => (node ? session.set(node, value) : undefined)));
    })));
  }

  private async finish(): Promise<void> {
    const pages = unwatched(() => this.seen());
    const page = pages.find((p) => this.wrong(p).length > 0);
    if (page !== undefined) {
      this.turn(page);
      queueMicrotask(() => this.blame(this.wrong(page)));
      return;
    }
    if (await this.options.finish()) return this.options.finished();
    const { kept } = this.context.session;
    this.announce(this.context.say(unwatched(() => kept.value) === "waiting" ? "waiting_consent" : "save_failed"));
  }

  /** Asked before everything is dropped: a slip of the finger must not cost an interview, nor keep one. */
  private refusal(): HTMLElement {
    const { say, session } = this.context;
    const title = newId("refusal");
    const box = h("div", { class: "overlay", role: "alertdialog", "aria-modal": "true", "aria-labelledby": title });
    watch(() => {
      const asked = session.refusal.value;
      show(box, asked !== undefined);
      this.body.inert = asked !== undefined;
      if (asked === undefined) return refill(box);
      const yes = h("button", { type: "button", class: "danger" }, say("refusal_yes"));
      const no = h("button", { type: "button" }, say("refusal_no"));
      yes.addEventListener("click", () => session.decideRefusal(true));
      no.addEventListener("click", () => session.decideRefusal(false));
      refill(box, h("div", { class: "dialog" }, h("h2", { id: title }, say("refusal_title")), h("p", {}, say("refusal_text")), h("div", { class: "stack" }, no, yes)));
      queueMicrotask(() => no.focus());
    });
    return box;
  }

  private dropped(): void {
    const { say } = this.context;
    this.endPage();
    refill(this.element, h("div", { class: "page" }, h("h2", { tabindex: "-1" }, say("dropped_title")), h("p", {}, say("dropped_text"))));
    queueMicrotask(() => this.element.querySelector<HTMLElement>("h2")?.focus());
  }
}

/** Hidden by itself or by what is around it. */
function isSeen(node: Node): boolean {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) if (!at.relevant) return false;
  return true;
}

/** What speakers call their languages; not every browser knows. */
const NAMES: Record<string, string> = { en: "English", km: "ខ្មែរ", lo: "ລາວ", my: "မြန်မာ", th: "ไทย", vi: "Tiếng Việt", zh: "中文", fr: "Français", id: "Bahasa Indonesia", ms: "Bahasa Melayu" };

/** "Khmer (km)" is called what its speakers call it. */
function nameOf(language: string): string {
  const code = /\(([A-Za-z]+)[A-Za-z0-9-]*\)\s*$/.exec(language)?.[1]?.toLowerCase();
  return (code && NAMES[code]) ?? language.replace(/\s*\([A-Za-z0-9-]+\)\s*$/, "");
}
