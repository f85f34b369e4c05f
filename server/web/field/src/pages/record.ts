/**
 * One interview: opened as the person sees it, saved as they go, finished when they say so.
 *
 * What the person saw is the context of every save: a change that came meanwhile is announced and shown only when asked for.
 * Not here: questions and answers (form/), what a save does (the core).
 */
import type { Opened, RecordView } from "../core/types.ts";
import { CoreError } from "../core/types.ts";
import type { Desk } from "../desk/desk.ts";
import { useForm } from "../desk/form.ts";
import type { OpenedForm } from "../form/index.ts";
import { atEnd, h, live } from "../ui/dom.ts";
import { button, note, trouble } from "../ui/parts.ts";
import { effect, signal } from "../ui/signal.ts";
import { troubleOf } from "../desk/troubles.ts";
import { language, moment, say, type TextKey, type Trouble } from "../words/index.ts";
import { type App, type Page, type Place } from "./app.ts";

type Wanted = Extract<Place, { page: "record" }>;

export function recordPage(app: App, desk: Desk, wanted: Wanted): Page {
  const page = new RecordPage(app, desk, wanted);
  void page.begin();
  return { title: say("record_title"), content: page.element, relabel: () => page.relabel(), leave: () => page.leave() };
}

class RecordPage {
  readonly element = h("div", { class: "interview" });
  readonly #view = signal<RecordView | undefined>(undefined);
  readonly #wrong = signal<Trouble | undefined>(undefined);
  readonly #said = signal<TextKey | undefined>(undefined);
  readonly #changed = signal(false);
  readonly #openElsewhere = signal(false);
  readonly #place = h("div");
  #opened: Opened | undefined;
  #form: OpenedForm | undefined;
  #gone = false;

  constructor(private readonly app: App, private readonly desk: Desk, private readonly wanted: Wanted) {
    this.element.append(...this.#parts());
    // A sync in the background may bring what somebody else answered.
    atEnd(effect(() => {
      void desk.items.value;
      void this.#look();
    }));
    const label = effect(() => {
      void language.value;
      this.#form?.setLanguage(language.peek());
    });
    atEnd(label);
  }

  async begin(takeOver = false): Promise<void> {
    const { records } = this.desk;
    this.#openElsewhere.value = false;
    try {
      const { record, form } = this.wanted;
      if (record !== undefined) this.#opened = await (takeOver ? records.takeOver(record) : records.open(record));
      else this.#opened = await records.create(form as string);
      this.app.formOpen.value = true;
      await this.#show();
    } catch (error) {
      if (error instanceof CoreError && error.code === "form_open") this.#openElsewhere.value = true;
      else this.#fail(error);
    }
  }

  relabel(): void {
    this.element.replaceChildren(...this.#parts());
  }

  async leave(): Promise<void> {
    if (this.#gone) return;
    try {
      await this.#form?.flush();
      await this.#form?.close();
      if (this.#opened) await this.desk.records.close(this.#opened.session);
    } finally {
      this.#gone = true;
      this.app.formOpen.value = false;
    }
  }

  #fail(error: unknown): void {
    this.#wrong.value = troubleOf(error);
  }

  async #show(): Promise<void> {
    const opened = this.#opened as Opened;
    this.#view.value = opened.view;
    const form = await this.desk.records.form(opened.form);
    const policies = await this.desk.records.policies(form.formId);
    this.#form = await useForm({
      form,
      policies,
      view: opened.view,
      save: async (writes, shown) => {
        const saved = await this.desk.records.save(opened.session, { writes, shown });
        this.#view.value = saved.view;
      },
      refused: () => void this.desk.change({ refusals: this.desk.settings.peek().refusals + 1 }),
      finished: () => this.#finished(),
    });
    this.#place.replaceChildren(this.#form.element);
  }

  /** Whether somebody answered after this was shown. */
  async #look(): Promise<void> {
    const opened = this.#opened;
    if (!opened || this.#gone) return;
    try {
      this.#changed.value = (await this.desk.records.changedSince(opened.session)).length > 0;
    } catch (error) {
      // Erased, or given to somebody else, while it was open.
      if (!this.#gone) this.#fail(error);
    }
  }

  async #showChanges(): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    try {
      await this.#form?.flush();
      const now = await this.desk.records.refresh(opened.session);
      this.#changed.value = false;
      this.#view.value = now.view;
      if (now.view) await this.#form?.refresh(now.view);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The person says that it is done; it can still be changed. */
  #finished(): void {
    this.#said.value = "record_finished";
    void this.desk.syncNow();
  }

  #parts(): HTMLElement[] {
    return [
      live(() => (this.#openElsewhere.value
        ? note(h("p", null, say("record_open_elsewhere")), button(say("record_take_over"), () => void this.begin(true), "main"))
        : null)),
      live(() => this.#head()),
      live(() => (this.#changed.value ? note(h("p", null, say("record_changed")), button(say("record_show"), () => void this.#showChanges())) : null)),
      this.#place,
      live(() => trouble(this.#wrong.value)),
      live(() => (this.#said.value ? note(h("p", null, say(this.#said.value))) : null)),
      live(() => this.#comments()),
    ];
  }

  #head(): (HTMLElement | null)[] {
    const view = this.#view.value;
    if (!view) return [];
    const status = `status_${view.status === "" ? "draft" : view.status}` as TextKey;
    const questions = view.conflicts.filter((key) => !key.startsWith("m."));
    return [
      h("p", { class: "marks" }, h("span", { class: `mark ${view.status}` }, say(status)),
        view.whereabouts === "none" ? null : h("span", { class: `mark ${view.whereabouts}` }, say(`where_${view.whereabouts}`))),
      view.deleted ? note(h("p", null, say("record_deleted"))) : null,
      view.returned ? note(h("p", null, h("strong", null, say("record_returned", { by: view.returned.by }))), h("p", { dir: "auto" }, view.returned.text)) : null,
      questions.length > 0 ? note(h("p", null, say("record_conflicts", { n: questions.length }))) : null,
    ];
  }

  #comments(): HTMLElement | null {
    const comments = this.#view.value?.comments ?? [];
    if (comments.length === 0) return null;
    return h("section", null, h("h2", null, say("record_comments")), h("ul", { class: "comments" }, comments.map((comment) =>
      h("li", null, h("p", { dir: "auto" }, comment.text), h("p", { class: "quiet" }, `${comment.by}, ${moment(comment.at)}`)))));
  }
}
