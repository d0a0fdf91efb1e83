/** The array's own serial number, as the id that the rest of the system knows it by. */
const SERIAL_FIRST_WORD = 7;
const SERIAL_WORDS = 3;

/**
 * The id of an array: EEPROM words 7..9 as 12 lower-case hex digits. A changed id at a known place
 * is a swapped sensor. Words that are missing read as zero.
 */
export function arrayIdOf(eeprom: Uint16Array): string {
  let id = '';
  for (let at = SERIAL_FIRST_WORD; at < SERIAL_FIRST_WORD + SERIAL_WORDS; at++) {
    id += (eeprom[at] ?? 0).toString(16).padStart(4, '0');
  }
  return id;
}
