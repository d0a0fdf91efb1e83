/** A few words that an uplink must still know after a restart, held in memory. */
import type { KeyedStore, StoredKind } from '../domain/ports.ts';

export class Remembered {
  readonly #store: Pick<KeyedStore, 'put' | 'remove'>;
  readonly #kind: StoredKind;
  readonly #values: Map<string, string>;

  private constructor(store: KeyedStore, kind: StoredKind, values: ReadonlyMap<string, string>) {
    this.#store = store;
    this.#kind = kind;
    this.#values = new Map(values);
  }

  /** @throws what the store throws when it cannot be read. */
  static async load(store: KeyedStore, kind: StoredKind): Promise<Remembered> {
    return new Remembered(store, kind, await store.loadAll(kind));
  }

  get keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  get(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  /** Durable soon; a value that stands already is not written again. */
  set(key: string, value: string): void {
    if (this.#values.get(key) === value) return;
    this.#values.set(key, value);
    this.#store.put(this.#kind, key, value);
  }

  remove(key: string): void {
    if (this.#values.delete(key)) this.#store.remove(this.#kind, key);
  }
}
