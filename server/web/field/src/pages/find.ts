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

/** Every word of what was typed stands somewhere in it. */
export function finds(wanted: string, texts: readonly string[]): boolean {
  const words = wanted.trim().split(/\s+/u).map(folded).filter((word) => word !== "");
  if (words.length === 0) return true;
  const all = texts.map(folded).join("\n");
  return words.every((word) => all.includes(word));
}
