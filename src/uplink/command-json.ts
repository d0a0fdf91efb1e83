/** Reads the JSON object of an untrusted message; pure, and stricter than JSON. */

export type JsonFields = Readonly<Record<string, unknown>>;

/** No command nests deeper than a list in an object. */
const MAX_DEPTH = 8;

/**
 * The fields, or what is wrong in words that quote nothing of the payload. An empty payload has no
 * fields. A name that stands twice in one object is refused: readers differ in which one counts.
 */
export function readJsonObject(payload: Uint8Array, maxBytes: number): JsonFields | string {
  if (payload.byteLength === 0) return {};
  if (payload.byteLength > maxBytes) {
    return `the payload has ${payload.byteLength} bytes; at most ${maxBytes} are read`;
  }
  try {
    return readText(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    // The decoder's own words quote the payload, which may hold anything.
    return NOT_JSON;
  }
}

const NOT_JSON = 'the payload is not JSON in UTF-8';

/** @throws SyntaxError where it is no JSON. */
function readText(text: string): JsonFields | string {
  if (isDeeper(text, MAX_DEPTH)) return `the payload nests deeper than ${MAX_DEPTH} levels`;
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return 'the payload is no JSON object';
  }
  if (hasDuplicate(text)) return 'a field stands twice in the payload; write each once';
  return { ...value };
}

/** Also of a text that is no JSON; called before anything recursive sees it. */
function isDeeper(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = endOfString(text, at);
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}

/** @param text JSON that has been parsed already. */
function hasDuplicate(text: string): boolean {
  /** Names seen in each open object; null for an open list. */
  const open: (Set<string> | null)[] = [];
  let names: Set<string> | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      // Two spellings of one name are the same name.
      const name: unknown = names === null ? null : JSON.parse(text.slice(at, end + 1));
      if (names !== null && typeof name === 'string') {
        if (names.has(name)) return true;
        names.add(name);
      }
      names = null;
      at = end;
    } else if (char === '{') {
      names = new Set();
      open.push(names);
    } else if (char === '[') {
      names = null;
      open.push(null);
    } else if (char === '}' || char === ']') {
      open.pop();
      names = null;
    } else if (char === ',') names = open.at(-1) ?? null;
  }
  return false;
}

/** Place of the closing quote; the last place where there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length - 1;
}
