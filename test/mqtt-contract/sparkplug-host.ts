/** A Sparkplug host that checks what it hears, by the rules of the specification. */
import {
  decodeSparkplug,
  type SparkMetric,
  type SparkPayload,
} from '../../src/uplink/sparkplug/encode.ts';

export interface Heard {
  readonly topic: string;
  readonly bytes: Uint8Array;
}

export class SparkplugHost {
  readonly problems: string[] = [];
  /** Values of the events by lane, repeats included, in order. */
  readonly events: SparkMetric[] = [];
  readonly gaps: SparkMetric[] = [];
  readonly types: string[] = [];
  /** Present values by `device metric`; the node's begin with a space. */
  readonly values = new Map<string, SparkMetric>();
  online = false;
  births = 0;
  #bdSeq: number | null = null;
  #seq = -1;
  readonly #devices = new Map<string, Set<string>>();
  #nodeMetrics = new Set<string>();

  get devices(): readonly string[] {
    return [...this.#devices.keys()];
  }

  get bdSeq(): number | null {
    return this.#bdSeq;
  }

  hear({ topic, bytes }: Heard): void {
    const [namespace, , type = '', , device = ''] = topic.split('/');
    if (namespace !== 'spBv1.0' || type === 'NCMD') return;
    const payload = decodeSparkplug(bytes);
    if (payload === null) {
      this.problems.push(`${topic}: no payload`);
      return;
    }
    this.types.push(type);
    if (type === 'NDEATH') this.#death(payload);
    else this.#alive(type, device, payload);
  }

  #death(payload: SparkPayload): void {
    const [metric] = payload.metrics;
    if (payload.seq !== undefined) this.problems.push('a death has no seq');
    if (metric?.name !== 'bdSeq') this.problems.push('a death without bdSeq');
    // The death of another session is nobody's.
    if (metric?.value === this.#bdSeq) this.online = false;
  }

  #alive(type: string, device: string, payload: SparkPayload): void {
    const { seq, metrics } = payload;
    if (type === 'NBIRTH') this.#birth(payload);
    else {
      if (!this.online) this.problems.push(`${type} of a node that is not alive`);
      const due = (this.#seq + 1) % 256;
      if (seq !== due) this.problems.push(`${type} with seq ${seq ?? '-'} instead of ${due}`);
    }
    this.#seq = seq ?? -1;
    if (type === 'DBIRTH') this.#devices.set(device, new Set(metrics.map(({ name }) => name)));
    if (type === 'DDEATH') this.#devices.delete(device);
    const known = device === '' ? this.#nodeMetrics : this.#devices.get(device);
    for (const metric of metrics) {
      if (known?.has(metric.name) !== true) {
        this.problems.push(`${type} with ${metric.name}, which no birth named`);
      }
      this.#take(device, metric, type);
    }
  }

  #birth({ seq, metrics }: SparkPayload): void {
    if (seq !== 0) this.problems.push(`a birth with seq ${seq ?? '-'}`);
    const bdSeq = metrics.find(({ name }) => name === 'bdSeq')?.value;
    if (typeof bdSeq !== 'number') this.problems.push('a birth without bdSeq');
    this.#bdSeq = Number(bdSeq);
    this.#nodeMetrics = new Set(metrics.map(({ name }) => name));
    if (!this.#nodeMetrics.has('Node Control/Rebirth')) this.problems.push('nobody can ask for it');
    this.#devices.clear();
    this.values.clear();
    this.online = true;
    this.births += 1;
  }

  #take(device: string, metric: SparkMetric, type: string): void {
    if (type === 'NDATA' && metric.name.startsWith('Event/')) this.events.push(metric);
    else if (type === 'NDATA' && metric.name === 'Gap') this.gaps.push(metric);
    else this.values.set(`${device} ${metric.name}`, metric);
  }

  /** Ids of the events of a lane in order of their first arrival. */
  ids(lane: string): unknown[] {
    const of = this.events.filter(({ name }) => name === `Event/${lane}`);
    return [...new Set(of.map(({ properties }) => properties?.['id']?.value))];
  }
}
