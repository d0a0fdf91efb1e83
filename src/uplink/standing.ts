/** What is wrong between us and a broker though events may flow: told once, restored once. */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import { type CertificateTerm, dayText, daysLeft } from './certificates.ts';
import type { UplinkCounters } from './counters.ts';
import type { Connected, Link, LinkState } from './link.ts';
import type { RetainedTopic } from './presence.ts';

export interface StandingDeps {
  readonly clock: Clock;
  readonly broker: string;
  readonly link: Link;
  readonly counters: UplinkCounters;
  readonly onFault: (notice: FaultNotice) => void;
}

/** A certificate that ends sooner is told: time enough to have one made and brought. */
export const CERTIFICATE_WARNING_DAYS = 30;
const LOOK_EVERY_MS = 3_600_000;

export class Standing {
  readonly #deps: StandingDeps;
  /** What stands, by fault and subject. */
  readonly #told = new Map<string, string>();
  #lastPlace: number | null = null;
  #nextLook: Cancel = () => undefined;
  #stopped = false;

  constructor(deps: StandingDeps) {
    this.#deps = deps;
  }

  /** Looks at the certificates now, and every hour from here on. */
  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#nextLook();
  }

  connected({ unsuitable = null, place }: Connected): void {
    const { counters } = this.#deps;
    const index = place?.index ?? 0;
    if (this.#lastPlace !== null && index !== this.#lastPlace) counters.addressSwitches += 1;
    this.#lastPlace = index;
    counters.addressIndex = index;
    this.#tell('brokerUnsuitable', false, unsuitable);
    const address = place?.address ?? '';
    const detail = `events go to ${address}, the first address does not serve: repair that one`;
    this.#tell('brokerAlternative', true, index === 0 ? null : detail);
    void this.#look();
  }

  /** What the broker does not let us listen to; null: nothing. */
  subscriptions(refused: string | null): void {
    this.#tell('subscriptionRefused', true, refused);
  }

  disconnected(state: Extract<LinkState, { readonly kind: 'disconnected' }>): void {
    this.#deps.counters.addressIndex = null;
    if (state.unsuitable !== undefined) this.#tell('brokerUnsuitable', false, state.unsuitable);
  }

  notEchoed(what: RetainedTopic, detail: string | null): void {
    this.#tell('stateNotEchoed', true, detail, `:${what}`);
  }

  async #look(): Promise<void> {
    const { clock, link } = this.#deps;
    this.#nextLook();
    this.#nextLook = clock.after(LOOK_EVERY_MS, () => void this.#look());
    const terms = (await link.certificates?.()) ?? [];
    if (this.#stopped) return;
    this.#judge(terms, clock.wallMs());
  }

  #judge(terms: readonly CertificateTerm[], nowMs: number): void {
    const days: Partial<Record<CertificateTerm['kind'], number>> = {};
    const soon: string[] = [];
    for (const term of terms) {
      const left = daysLeft(term, nowMs);
      days[term.kind] = Math.min(left, days[term.kind] ?? Infinity);
      if (left < CERTIFICATE_WARNING_DAYS) soon.push(certificateWords(term, nowMs));
    }
    this.#deps.counters.certificateDays = days;
    this.#tell('certificateExpiring', true, soon.length === 0 ? null : soon.join('; '));
  }

  #tell(fault: string, supervisory: boolean, detail: string | null, part = ''): void {
    const { broker, onFault } = this.#deps;
    const subject = `uplink:${broker}${part}`;
    const key = `${fault} ${subject}`;
    if (detail === (this.#told.get(key) ?? null)) return;
    const raised = detail !== null;
    if (raised) this.#told.set(key, detail);
    else this.#told.delete(key);
    onFault({ fault, subject, raised, detail: detail ?? 'it is in order again', supervisory });
  }
}

const OWNERS: Readonly<Record<CertificateTerm['kind'], string>> = {
  client: 'our certificate',
  authority: 'the authority file',
  server: 'a certificate of the broker at',
};

/** For people: which certificate ends when, and what to do. */
export function certificateWords(term: CertificateTerm, nowMs: number): string {
  const left = daysLeft(term, nowMs);
  const until = dayText(term.validToMs);
  const ends = left < 0 ? `expired on ${until}` : `expires on ${until}, in ${left} days`;
  const remedy =
    term.kind === 'server'
      ? 'have it renewed there'
      : 'put a new one into the file; it is read at the next connection';
  return `${OWNERS[term.kind]} ${term.where} ${ends}: ${remedy}`;
}
