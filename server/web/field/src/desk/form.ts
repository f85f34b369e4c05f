/**
 * The form as the interview's page opens it: texts in the language of the interface, files of the form from this phone.
 * Not here: the form itself (form/).
 */
import { type Attachments, openForm, type OpenedForm } from "../form/index.ts";
import type { Form, Key, Policy, RecordView, Value } from "../core/types.ts";
import { language } from "../words/index.ts";
import { sayInForm } from "../words/form/index.ts";

export interface FormUse {
  form: Form;
  policies: readonly Policy[];
  view: RecordView | undefined;
  save(writes: [Key, Value][], shown: Key[]): Promise<void>;
  /** Consent was refused: everything is gone from memory. */
  refused(): void;
  finished(): void;
}

/** Photos and sound are kept from the version on that carries them to the server; until then the form says that it could not. */
const attachments: Attachments = {
  add: () => Promise.reject(new Error("not yet")),
  open: () => Promise.resolve(undefined),
};

export function useForm(use: FormUse): Promise<OpenedForm> {
  const { xform, pkg } = use.form;
  return openForm({
    xform,
    pkg,
    view: use.view,
    policies: use.policies,
    files: () => Promise.resolve(undefined),
    attachments,
    language: language.peek(),
    say: sayInForm,
    save: use.save,
    refused: use.refused,
    finished: use.finished,
  });
}
