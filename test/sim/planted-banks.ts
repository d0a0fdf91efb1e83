/** Evidence banks with a mistake each, for planted bugs. */
import type { EvidenceWindow, NoDataReason, ThermalEvidence } from '../../src/domain/evidence.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import type { SensorId } from '../../src/domain/units.ts';

/** Remembers what each channel said last, and can say it again. */
export class RefreshingBank extends EvidenceBank {
  readonly #last = new Map<string, Exclude<EvidenceWindow, { kind: 'noData' }>>();

  override drain(): readonly EvidenceWindow[] {
    const windows = super.drain();
    for (const window of windows) {
      if (window.kind === 'noData') continue;
      this.#last.set(`${window.sensor}/${window.channel}`, window);
    }
    return windows;
  }

  /** Everything once more, as if it had been measured now. */
  repeat(nowMs: number): void {
    for (const window of this.#last.values()) {
      if (window.kind === 'opinion') continue;
      if (window.kind === 'level')
        this.level(window.sensor, window.channel).add(window.last, nowMs);
      else this.thermal(window.sensor).add({ ...window.last, atMs: nowMs });
    }
  }

  /** The last picture of each array, with a hot region in it. */
  heat(nowMs: number, celsius: number): void {
    for (const window of this.#last.values()) {
      if (window.kind !== 'thermal') continue;
      this.thermal(window.sensor).add({
        ...window.last,
        atMs: nowMs,
        maxCelsius: celsius,
      });
    }
  }
}

/** Takes a frozen array at its word: what it showed last is what it sees now. */
export class TrustingBank extends EvidenceBank {
  readonly #last = new Map<string, ThermalEvidence>();

  override drain(): readonly EvidenceWindow[] {
    const windows = super.drain();
    for (const window of windows) {
      if (window.kind === 'thermal') this.#last.set(window.sensor, window.last);
    }
    return windows;
  }

  override noData(
    sensor: SensorId,
    channel: string,
    reason: NoDataReason,
    detail: string,
    atMs: number,
  ): void {
    const last = this.#last.get(sensor);
    if (reason !== 'frozen' || last === undefined) {
      super.noData(sensor, channel, reason, detail, atMs);
      return;
    }
    this.thermal(sensor).add({ ...last, atMs });
  }
}

/** Does not know that a picture has areas. */
export class ForgetfulBank extends EvidenceBank {
  override declareAreas(): void {
    // Nothing is kept: the areas of a picture that is no data seem to be well.
  }
}
