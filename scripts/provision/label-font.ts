/** Letters of 5 by 9 dots, drawn for the labels; two rows lie below the line. */

export const GLYPH_COLUMNS = 5;
export const GLYPH_ROWS = 9;
/** From one letter to the next. */
export const GLYPH_ADVANCE = 6;

/** Nine rows a letter, top first; each a digit of base 32 whose highest bit is the left column. */
const ROWS =
  '  000000000 A ehhvhhh00 B uhhuhhu00 C ehggghe00 D uhhhhhu00 E vgguggv00 F vgguggg00 ' +
  'G ehgnhhe00 H hhhvhhh00 I e44444e00 J 72222ic00 K hikokih00 L ggggggv00 M hrllhhh00 ' +
  'N hhpljhh00 O ehhhhhe00 P uhhuggg00 Q ehhhlid00 R uhhukih00 S fgge11u00 T v44444400 ' +
  'U hhhhhhe00 V hhhhha400 W hhhllla00 X hha4ahh00 Y hhha44400 Z v1248gv00 ' +
  'a 00e1fhf00 b ggmphhu00 c 00egghe00 d 11djhhf00 e 00ehvge00 f 698s88800 g 00fhhhf1e ' +
  'h ggmphhh00 i 40c444e00 j 2062222ic k ggikoki00 l c44444e00 m 00qllhh00 n 00mphhh00 ' +
  'o 00ehhhe00 p 00uhhhugg q 00fhhhf11 r 00mpggg00 s 00fge1u00 t 88s889600 u 00hhhjd00 ' +
  'v 00hhha400 w 00hhlla00 x 00ha4ah00 y 00hhhhf1e z 00v248v00 ' +
  '0 ehjlphe00 1 4c4444e00 2 eh1248v00 3 v2421he00 4 26aiv2200 5 vgu11he00 6 68guhhe00 ' +
  '7 v12488800 8 ehhehhe00 9 ehhf12c00 ' +
  '- 000v00000 _ 0000000v0 . 00000cc00 , 00000cc48 : 0cc0cc000 / 01248g000 ( 248884200 ' +
  ') 842224800 + 044v44000 # aavavaa00 & cik8lid00 ? eh1240400 ! 444440400 = 00v0v0000 ' +
  "' c48000000 @ eh1dlle00 % op248j300";

const GLYPHS: ReadonlyMap<string, string> = new Map(
  [...ROWS.matchAll(/(.) ([0-9a-v]{9})(?: |$)/g)].map(([, letter = '', rows = '']) => [
    letter,
    rows,
  ]),
);

/** Letters that do not come apart into one of ours and an accent. */
const SPELT: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  Æ: 'AE',
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  '–': '-',
  '’': "'",
};

/** The same in letters that can be drawn; what has no likeness becomes a question mark. */
export function drawable(text: string): string {
  return Array.from(text, (letter) => SPELT[letter] ?? letter)
    .join('')
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/./gsu, (letter) => (GLYPHS.has(letter) ? letter : '?'));
}

/** Whether a letter has ink there. @param letter one that `drawable` gives. */
export function hasInk(letter: string, row: number, column: number): boolean {
  const bits = Number.parseInt(GLYPHS.get(letter)?.charAt(row) ?? '0', 32);
  return ((bits >> (GLYPH_COLUMNS - 1 - column)) & 1) === 1;
}
