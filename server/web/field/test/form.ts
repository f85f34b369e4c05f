// A page to look at the interview with any XForm and a record in memory; the browser tests drive it through `lab`.
//
// Not here: the app.

import type { Key, Live, RecordView, Value } from "../src/core/types";
import { type OpenedForm, openForm, warmUp } from "../src/form/index";
import { loadEngine } from "../src/form/engine";
import { instanceXml, parseXml, readXForm } from "../src/form/xform";
import { cell, settle, watch } from "../src/form/watch";
import { prepare, type Prepared } from "./package";

interface LabOptions {
  view?: RecordView;
  language?: string;
  policies?: never[];
  files?: Record<string, string>;
  /** The XForm already has row ids and its package is this. */
  asIs?: boolean;
}

interface SaveSeen {
  writes: [Key, Value][];
  shown: Key[];
}

class Lab {
  form: OpenedForm | undefined;
  saves: SaveSeen[] = [];
  refusals = 0;
  finished = 0;
  /** The next saves fail with this. */
  fails: { code: string; key?: Key } | undefined;
  private files: Record<string, string> = {};
  private blobs = new Map<string, Blob>();
  readonly engine = { loadEngine, readXForm, instanceXml, parseXml, prepare, cell, settle, watch, warmUp };

  open(xml: string, options: LabOptions = {}): Promise<number> {
    return this.openPrepared(prepare(xml), options);
  }

  async openPrepared({ xform, pkg }: Prepared, options: LabOptions = {}): Promise<number> {
    await this.form?.close();
    this.saves = [];
    this.refusals = this.finished = 0;
    this.files = options.files ?? {};
    const began = performance.now();
    this.form = await openForm({
      xform,
      pkg,
      view: options.view,
      language: options.language,
      policies: options.policies,
      files: async (name) => (this.files[name] === undefined ? undefined : new Blob([this.files[name] ?? ""])),
      attachments: {
        add: async (file) => {
          const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
          const sha256 = [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, "0")).join("");
          this.blobs.set(sha256, file);
          return { ref: { sha256, size: file.size, type: file.type } };
        },
        open: async (ref) => this.blobs.get(ref.sha256),
      },
      save: (writes, shown) => this.save(writes, shown),
      refused: () => void (this.refusals += 1),
      finished: () => void (this.finished += 1),
    });
    document.getElementById("here")?.replaceChildren(this.form.element);
    return performance.now() - began;
  }

  private async save(writes: [Key, Value][], shown: Key[]): Promise<void> {
    await Promise.resolve();
    if (this.fails !== undefined) throw Object.assign(new Error("no"), this.fails);
    this.saves.push({ writes, shown });
  }

  /** How many files were stored. */
  stored(): number {
    return this.blobs.size;
  }

  /** All that was written, the last value of each key. */
  written(): Record<Key, Value> {
    return Object.fromEntries(this.saves.flatMap((s) => s.writes));
  }

  /** The id of the field with this name. */
  field(xml: string, name: string): number {
    return prepare(xml).pkg.fields.find((f) => f.path.endsWith(`/${name}`))?.id ?? 0;
  }

  /** A record as the core shows it. */
  view(answers: Record<Key, Value | [Value, string][]>, rows: RecordView["rows"] = [], status = "draft"): RecordView {
    const live = (value: Value, by: string, at: number): Live => ({ value, dot: `${at}:1`, actor: at, by, at: 1_780_000_000_000 + at * 3_600_000, mine: by === "" });
    const lives = Object.entries(answers).map(([key, value]): [Key, Live[]] => [key, Array.isArray(value) ? value.map(([v, by], i) => live(v, by, i)) : [live(value, "Dara", 0)]]);
    return {
      record: "00".repeat(16), form: "00".repeat(32), formId: "lab", status, comments: [], answers: Object.fromEntries(lives), rows,
      conflicts: lives.filter(([, l]) => l.length > 1).map(([key]) => key), whereabouts: "here", deleted: false, contested: false,
    };
  }
}

const lab = new Lab();
(globalThis as unknown as { lab: Lab }).lab = lab;

document.getElementById("file")?.addEventListener("change", (event) => {
  const [file] = (event.target as HTMLInputElement).files ?? [];
  void file?.text().then((text) => lab.open(text));
});
