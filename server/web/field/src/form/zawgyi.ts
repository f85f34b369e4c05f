// Whether Burmese text looks as if it was typed in Zawgyi, which writes the letters in another order with the same codes. It is only
// ever flagged: a wrong conversion would put other words into somebody's mouth.

/** Before these a vowel sign E or a medial stands in Zawgyi only; in Unicode it comes behind its consonant. */
const E_FIRST = /(?:^|[^\u1000-\u102a\u1039\u103b-\u103f\u104e\u1050-\u109f\uaa60-\uaa7f])\u1031/u;
const RA_FIRST = /(?:^|[\s\u104a\u104b])[\u103b\u107e-\u1084][\u1000-\u1021]/u;
/** U+1039 stacks the next consonant in Unicode; in Zawgyi it is the visible killer at the end of a syllable. */
const KILLER = /\u1039(?![\u1000-\u1021\u1025\u1029\u103f\u105a-\u105d\u1061\u1075-\u1081])/u;

export function looksLikeZawgyi(text: string): boolean {
  if (!/[\u1000-\u109f]/u.test(text)) return false;
  return E_FIRST.test(text) || KILLER.test(text) || RA_FIRST.test(text);
}
