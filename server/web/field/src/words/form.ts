/**
 * The texts of the form's own controls, in the language of the interface; English where a language has none yet.
 * Not here: anything that a form says itself.
 */
import { type Say, type TextKey, TEXTS } from "../form/texts.ts";
import { language } from "./index.ts";

export const sayInForm: Say = (key: TextKey, params = {}) => {
  void language.value;
  return TEXTS[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
};
