/**
 * Searching in the scripts of the region: what is typed and what is searched are brought to one form first.
 *
 * Width, case and tone or vowel marks of Latin letters do not count (Vietnamese typed without marks finds its words); marks
 * of other scripts do. Spaces do not count either: Khmer, Lao, Thai, Burmese and Chinese are written without, or with them anywhere.
 * Not here: where the words come from (the core's briefs).
 */
export function folded(text: string): string {
  const plain = text.normalize("NFKD").toLowerCase();
  // Marks on Latin letters only: a Khmer or Thai vowel is a mark too, and is the word.
  return plain.replace(/(\p{Script=Latin})\p{M}+/gu, "$1").replaceAll("đ", "d").normalize("NFKC").replace(/[\s\u200B-\u200D\u2060\uFEFF]+/gu, "");
}

/** The same, remembered: for a list that is searched at every letter. It holds answers, so it goes with the page. */
export function remembering(): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    let found = known.get(text);
    if (found === undefined) known.set(text, (found = folded(text)));
    return found;
  };
}

/** Every word of what was typed stands somewhere in it. */
export function finds(wanted: string, texts: readonly string[], fold: (text: string) => string = folded): boolean {
  const words = wanted.trim().split(/\s+/u).map(folded).filter((word) => word !== "");
  if (words.length === 0) return true;
  const all = texts.map(fold).join("\n");
  return words.every((word) => all.includes(word));
}
