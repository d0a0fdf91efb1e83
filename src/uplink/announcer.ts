/**
 * Publishes what others are to find at the broker, one message after the other: a link takes only
 * so many at a time, and what it does not take would be missing until the next connect.
 */
import type { Log } from '../domain/ports.ts';
import type { OutgoingMessage, PublishResult } from './link.ts';

/** What is to stand at the broker; see `HomeAssistantDesk`. */
export interface Announcements {
  /** Call once, before the first message. */
  start(): void;
  stop(): void;
  /** All of it, as it should be now. */
  messages(): readonly OutgoingMessage[];
  /** The broker has taken one of them. */
  taken(message: OutgoingMessage): void;
}

export interface AnnouncerDeps {
  readonly log: Log;
  readonly announcements: Announcements;
  readonly publish: (message: OutgoingMessage) => Promise<PublishResult>;
}

export class Announcer {
  readonly #deps: AnnouncerDeps;
  #running = false;
  #again = false;

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
  }

  /** Publishes everything now; while it is at it, once more afterwards. Call when connected. */
  announce(): void {
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#again) {
      this.#again = false;
      await this.#publishAll();
    }
    this.#running = false;
  }

  async #publishAll(): Promise<void> {
    const { announcements, publish, log } = this.#deps;
    for (const message of announcements.messages()) {
      if (this.#again) return;
      const result = await publish(message);
      if (result.kind === 'acknowledged') announcements.taken(message);
      else if (result.kind === 'rejected') {
        const { reason } = result;
        log('warn', 'the broker does not take an announcement', { topic: message.topic, reason });
      } else return; // The connection is gone: the next one begins anew.
    }
  }
}
