/**
 * Between the detectors and the model: asks about hot regions, as often as it is of use, and hands
 * opinions to the panel. Of each picture, or named area of one, at most one question is open; while
 * it is, only the newest further one is kept.
 */
import type { EvidenceBank } from './domain/evidence-bank.ts';
import type { SensorId } from './domain/units.ts';
import type { Classifier } from './vision/classifier.ts';
import type { RegionTrack } from './vision/track.ts';

/** An opinion stays useful for seconds: at 8 pictures a second every fourth is asked about. */
const PACE_MS = 450;
/** From here on every picture counts. */
const URGENT_CELSIUS = 55;

export interface DeskParts {
  readonly bank: EvidenceBank;
  readonly classifier: Classifier;
  /** One row of features, or null while the track is too young. */
  readonly features: (track: RegionTrack) => Float32Array | null;
  /** Evidence has come: let it be judged. */
  readonly requestStep: () => void;
}

interface Question {
  readonly track: number;
  readonly features: Float32Array;
  readonly atMs: number;
}

interface Place {
  readonly sensor: SensorId;
  readonly channel: string;
  /** Time of the newest picture that was asked about. */
  askedAtMs: number;
  isOpen: boolean;
  waiting: Question | null;
}

export class ModelDesk {
  /** Questions that gave way to newer ones of the same picture. */
  replaced = 0;
  /** Questions without an answer: the rules decided alone. */
  unanswered = 0;
  readonly #parts: DeskParts;
  readonly #places = new Map<SensorId, Map<string, Place>>();
  readonly #open = new Set<Promise<void>>();

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** A believable picture shows a hot region. Never throws, never waits. */
  onTrack(sensor: SensorId, channel: string, track: RegionTrack, atMs: number): void {
    const place = this.#placeOf(sensor, channel);
    const peakCelsius = track.samples.at(-1)?.peakCelsius ?? -Infinity;
    const sinceMs = atMs - place.askedAtMs;
    if (peakCelsius < URGENT_CELSIUS && sinceMs >= 0 && sinceMs < PACE_MS) return;
    const features = this.#parts.features(track);
    if (features === null) return;
    place.askedAtMs = atMs;
    const question = { track: track.id, features, atMs };
    if (!place.isOpen) {
      const asked = this.#ask(place, question);
      this.#open.add(asked);
      void asked.then(() => this.#open.delete(asked));
      return;
    }
    if (place.waiting !== null) this.replaced += 1;
    place.waiting = question;
  }

  /** Resolves once every question has been answered, or given up; for work in virtual time. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  #placeOf(sensor: SensorId, channel: string): Place {
    let channels = this.#places.get(sensor);
    if (channels === undefined) {
      channels = new Map();
      this.#places.set(sensor, channels);
    }
    let place = channels.get(channel);
    if (place === undefined) {
      place = { sensor, channel, askedAtMs: -Infinity, isOpen: false, waiting: null };
      channels.set(channel, place);
    }
    return place;
  }

  async #ask(place: Place, question: Question): Promise<void> {
    const { bank, classifier, requestStep } = this.#parts;
    const { sensor, channel } = place;
    place.isOpen = true;
    for (let next: Question | null = question; next !== null; next = place.waiting) {
      place.waiting = null;
      const answer = await classifier.classify(next.features);
      if (!answer.ok) {
        this.unanswered += 1;
        continue;
      }
      bank.opinion(sensor, channel, next.track, answer.opinion, next.atMs);
      requestStep();
    }
    place.isOpen = false;
  }
}
