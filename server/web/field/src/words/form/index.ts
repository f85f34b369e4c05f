/**
 * The texts of the form's own controls, in the language of the interface. The English ones stand where they are used
 * (form/texts.ts); a language that lacks one does not compile. All but English are drafts, see ../README.md.
 * Not here: anything that a form says itself.
 */
import { type Say, type TextKey, TEXTS } from "../../form/texts.ts";
import { type Language, language } from "../index.ts";
import { km } from "./km.ts";
import { lo } from "./lo.ts";
import { my } from "./my.ts";
import { th } from "./th.ts";
import { vi } from "./vi.ts";
import { zhHans } from "./zh-Hans.ts";

export type FormTexts = Record<TextKey, string>;

const texts: Record<Language, FormTexts> = { en: TEXTS, km, lo, my, th, vi, "zh-Hans": zhHans };

export const sayInForm: Say = (key, params = {}) =>
  texts[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
