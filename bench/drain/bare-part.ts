/** What publishing the same bytes costs where nothing is read, kept or decided: MQTT.js alone. */
import { readFileSync } from 'node:fs';
import { connectAsync, type MqttClient } from 'mqtt';
import { monotonicMs } from '../line-file.ts';
import { WINDOW } from './appliance-part.ts';
import { ROOT, sliceFile } from './backlog.ts';
import { cpuMs, type Setting, Silence, type SliceOrder, type SliceReport } from './talk.ts';

export async function barePart(
  setting: Setting,
): Promise<(order: unknown) => Promise<SliceReport>> {
  const client = await connectAsync(`mqtt://127.0.0.1:${setting.port}`, {
    protocolVersion: 5,
    clientId: 'bare',
  });
  return async (order) => {
    const { slice } = order as SliceOrder;
    const lines = readFileSync(sliceFile(setting.directory, slice), 'utf8').trimEnd().split('\n');
    // Flat strings of their own, as an application would have them, and topics made beforehand.
    const messages = lines.map((line) => ({ topic: topicOf(line), payload: ` ${line}`.slice(1) }));
    const start = { atMs: monotonicMs(), cpu: cpuMs() };
    const silence = new Silence();
    await publishAll(client, messages, silence);
    return {
      events: messages.length,
      elapsedMs: monotonicMs() - start.atMs,
      cpuMs: cpuMs() - start.cpu,
      silenceMs: silence.longestMs,
    };
  };
}

function topicOf(line: string): string {
  return `${ROOT}/event/${/"lane":"(\w+)"/.exec(line)?.[1] ?? 'system'}`;
}

function publishAll(
  client: MqttClient,
  messages: readonly { readonly topic: string; readonly payload: string }[],
  silence: Silence,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let answered = 0;
    const options = { qos: 1 } as const;
    const onAnswer = (error?: Error | null): void => {
      if (error instanceof Error) reject(error);
      silence.heard(performance.now());
      answered += 1;
      if (answered === messages.length) resolve();
      else send();
    };
    const send = (): void => {
      while (sent < messages.length && sent - answered < WINDOW) {
        const { topic, payload } = messages[sent] ?? { topic: '', payload: '' };
        sent += 1;
        client.publish(topic, payload, options, onAnswer);
      }
    };
    send();
  });
}
