/** What every link promises, whatever is behind it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  IncomingMessage,
  Link,
  LinkState,
  OutgoingMessage,
  PublishResult,
  Will,
} from '../../src/uplink/link.ts';

/** A broker, the wire to it, and time. */
export interface LinkRig {
  /** A new link, not yet open, with answer time-out 400 ms and fast retries. */
  link(): Link;
  /** A link that does not go through the wire below, to look on. */
  observer(): Link;
  unplug(): Promise<void>;
  plug(): Promise<void>;
  /** Breaks the connections there are. */
  cut(): void;
  freeze(): void;
  thaw(): void;
  /** Lets time pass until the condition holds. */
  until(condition: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export interface LinkBackend {
  readonly name: string;
  open(): Promise<LinkRig>;
}

/** A link with everything it ever said. */
class Watched {
  readonly states: LinkState[] = [];
  readonly messages: IncomingMessage[] = [];
  readonly link: Link;

  constructor(link: Link) {
    this.link = link;
  }

  open(will: (connection: number) => Will | null = () => null): this {
    this.link.open({
      onState: (state) => this.states.push(state),
      onMessage: (message) => this.messages.push(message),
      will,
    });
    return this;
  }

  get connections(): number[] {
    return this.states.flatMap((state) => (state.kind === 'connected' ? [state.connection] : []));
  }

  get isConnected(): boolean {
    return this.states.at(-1)?.kind === 'connected';
  }

  get lastReason(): string {
    const last = this.states.at(-1);
    return last?.kind === 'disconnected' ? last.reason : '';
  }

  texts(topic: string): string[] {
    return this.messages
      .filter((message) => message.topic === topic)
      .map(({ payload }) => Buffer.from(payload).toString());
  }
}

const message = (payload: string, topic = 'unit/a'): OutgoingMessage => ({
  topic,
  payload,
  retain: false,
});

/** Lets the rig's time pass until the promise settles. */
async function settled<T>(rig: LinkRig, promise: Promise<T>): Promise<T> {
  const done: T[] = [];
  void promise.then((value) => done.push(value));
  await rig.until(() => done.length > 0);
  return promise;
}

export function linkContract(backend: LinkBackend): void {
  describe(`link contract: ${backend.name}`, () => {
    let rig: LinkRig;
    const opened: Watched[] = [];

    beforeEach(async () => {
      rig = await backend.open();
    });

    afterEach(async () => {
      rig.thaw();
      await Promise.all(opened.splice(0).map(({ link }) => settled(rig, link.close(200))));
      await rig.close();
    });

    const watch = (link: Link): Watched => {
      const watched = new Watched(link);
      opened.push(watched);
      return watched;
    };

    async function connected(will?: (connection: number) => Will | null): Promise<Watched> {
      const watched = watch(rig.link()).open(will);
      await rig.until(() => watched.isConnected);
      return watched;
    }

    async function observer(filter: string): Promise<Watched> {
      const watched = watch(rig.observer()).open();
      await rig.until(() => watched.isConnected);
      const result = await settled(rig, watched.link.subscribe(filter, { retained: true }));
      expect(result).toEqual({ kind: 'subscribed' });
      return watched;
    }

    it('acknowledges each message, and passes them on in order', async () => {
      const reader = await observer('unit/#');
      const { link } = await connected();
      const payloads = Array.from({ length: 50 }, (_, index) => `${index}`);
      const results = payloads.map((payload) => link.publish(message(payload)));
      const answers = await settled(rig, Promise.all(results));
      expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['acknowledged']));
      await rig.until(() => reader.texts('unit/a').length >= 50);
      expect(reader.texts('unit/a')).toEqual(payloads);
    });

    it('sends nothing and says so while there is no connection', async () => {
      const watched = watch(rig.link());
      expect(await watched.link.publish(message('early'))).toMatchObject({ kind: 'notSent' });
      expect(await watched.link.subscribe('a/#', { retained: false })).toMatchObject({
        kind: 'failed',
      });
    });

    it('says what is wrong, and connects once the broker is there', async () => {
      await rig.unplug();
      const watched = watch(rig.link()).open();
      await rig.until(() => watched.states.length >= 2);
      expect(watched.lastReason).toBe(`connection refused at ${watched.link.address}`);
      await rig.plug();
      await rig.until(() => watched.isConnected);
      expect(watched.connections[0]).toBeGreaterThan(2);
      const answer = await settled(rig, watched.link.publish(message('at last')));
      expect(answer).toEqual({ kind: 'acknowledged' });
    });

    it('settles what is in flight when the connection breaks, and comes back', async () => {
      const watched = await connected();
      rig.freeze();
      const results = [1, 2, 3].map((n) => watched.link.publish(message(`${n}`)));
      rig.cut();
      for (const result of await settled(rig, Promise.all(results))) {
        expect(result.kind).toBe('connectionLost');
      }
      rig.thaw();
      await rig.until(() => watched.connections.length === 2);
      expect(watched.connections).toEqual([...new Set(watched.connections)].sort((a, b) => a - b));
      const answer = await settled(rig, watched.link.publish(message('again')));
      expect(answer).toEqual({ kind: 'acknowledged' });
    });

    it('notices a half-open connection by the missing answer', async () => {
      const watched = await connected();
      rig.freeze();
      const first = watched.link.publish(message('into nothing'));
      expect(await settled(rig, first)).toEqual({ kind: 'timedOut' });
      expect(watched.lastReason).toContain('no answer');
      rig.thaw();
      await rig.until(() => watched.connections.length === 2);
    });

    it('publishes the will of the broken connection, and none after a goodbye', async () => {
      const reader = await observer('will/#');
      const will = (connection: number): Will => ({
        topic: 'will/status',
        payload: `offline ${connection}`,
      });
      const watched = await connected(will);
      const [number] = watched.connections;
      rig.cut();
      await rig.until(() => reader.texts('will/status').length === 1);
      expect(reader.texts('will/status')).toEqual([`offline ${number}`]);
      await rig.until(() => watched.connections.length === 2);
      await settled(rig, watched.link.close(500));
      expect(watched.states.at(-1)).toEqual({
        kind: 'disconnected',
        reason: 'closed',
        retryInMs: null,
      });
      const probe = await connected();
      await settled(rig, probe.link.publish(message('after', 'will/other')));
      await rig.until(() => reader.texts('will/other').length === 1);
      expect(reader.texts('will/status')).toHaveLength(1);
    });

    it('tells stored copies from live messages', async () => {
      const { link } = await connected();
      const kept = { topic: 'kept/state', payload: 'old', retain: true };
      await settled(rig, link.publish(kept));
      const reader = await observer('kept/+');
      await rig.until(() => reader.messages.length === 1);
      await settled(rig, link.publish({ ...kept, payload: 'new' }));
      await rig.until(() => reader.messages.length === 2);
      expect(reader.messages.map(({ retained }) => retained)).toEqual([true, false]);
      expect(reader.texts('kept/state')).toEqual(['old', 'new']);
    });

    it('closes within its deadline also when nobody answers, and only once', async () => {
      const watched = await connected();
      rig.freeze();
      const result = watched.link.publish(message('lost'));
      const closing = watched.link.close(150);
      expect(watched.link.close(150)).toBe(closing);
      await settled(rig, closing);
      const kinds: PublishResult['kind'][] = ['connectionLost', 'timedOut'];
      expect(kinds).toContain((await settled(rig, result)).kind);
      expect(await watched.link.publish(message('late'))).toMatchObject({ kind: 'notSent' });
    });

    it('waits for answers that are due before it says goodbye', async () => {
      const reader = await observer('unit/#');
      const { link } = await connected();
      const result = link.publish(message('last words'));
      await settled(rig, link.close(2000));
      expect(await result).toEqual({ kind: 'acknowledged' });
      await rig.until(() => reader.texts('unit/a').length === 1);
    });

    it('stops trying when it is closed', async () => {
      await rig.unplug();
      const watched = watch(rig.link()).open();
      await rig.until(() => watched.states.length >= 2);
      await settled(rig, watched.link.close(100));
      const { length } = watched.states;
      await rig.plug();
      const other = await connected();
      expect(other.isConnected).toBe(true);
      expect(watched.states).toHaveLength(length);
    });
  });
}
