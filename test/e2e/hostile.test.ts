import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawBoard, reading } from './field.ts';
import { eventually } from './processes.ts';
import { Unit } from './unit.ts';

const ZEROS = `#EEPROM1234:${'0'.repeat(3328)}!`;
const FRAME = `#frame1234:${'1a2b'.repeat(834)}!`;

/** Clients that nobody wants, all at once, while a board of another zone sees smoke. */
describe('hostile clients', () => {
  let unit: Unit;
  const clients: RawBoard[] = [];

  beforeAll(async () => {
    unit = await Unit.start();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await unit.remove();
  });

  const client = async (serial: string | null = null) => {
    const made = await RawBoard.connect(unit.boardPort, serial);
    clients.push(made);
    return made;
  };
  const counted = (sample: string, atLeast = 1) =>
    eventually(`${sample} counted`, async () => {
      return ((await unit.metrics()).get(sample) ?? 0) >= atLeast;
    });
  const errors = (kind: string) => `embereye_ingest_errors_total{error="${kind}"}`;

  it('random bytes and lines of 8 kB are counted and skipped', async () => {
    const noise = await client();
    for (let i = 0; i < 50; i += 1) noise.send(randomBytes(20_000));
    const long = await client();
    long.send(`#Sensor:${'x'.repeat(9000)}!#Sensor:ADC1=1,ADC2=2!`);
    await counted(errors('tooLong'));
    await counted(errors('notPrintable'));
  });

  it('every kind of broken packet is counted under its own name', async () => {
    const board = await client();
    board.send('#Nonsense:1!');
    board.send('#Sensor:ADC1=!#Sensor:ADC1=abc!#Sensor:!');
    board.send('#frame1234:12zz!#frame1234:abc!');
    board.send('#Sensor:ADC1=5#Sensor:ADC1=5,ADC2=3!');
    const seen = async () => {
      const samples = [...(await unit.metrics())];
      return samples.filter(([name, n]) => name.startsWith('embereye_ingest_errors') && n > 0);
    };
    await eventually('at least six kinds', async () => (await seen()).length >= 6);
  });

  it('an EEPROM of zeros is refused, a frame without EEPROM withheld', async () => {
    const zeros = await client('Z');
    zeros.send(ZEROS + FRAME + reading(300));
    const none = await client('N');
    none.send(FRAME + FRAME + reading(300));
    await counted(errors('eepromRefused'));
    await counted('embereye_frames_total{outcome="noCalibration"}', 2);
    expect((await unit.metrics()).get('embereye_frames_total{outcome="decoded"}')).toBe(0);
  });

  it('a byte at a time, half of a packet, half of a connection: nobody else waits', async () => {
    const slow = await client();
    const packet = reading(300);
    let sent = 0;
    const timer = setInterval(() => {
      slow.send(packet[sent % packet.length] ?? '');
      sent += 1;
    }, 5);
    const half = await client();
    half.send('#frame1234:0000');
    const open = await client();
    open.socket.end();
    const board = await client('A');
    board.smoke();
    await unit.siren(true);
    const sensor = 'embereye_ingest_packets_total{kind="sensor"}';
    const before = (await unit.metrics()).get(sensor) ?? 0;
    board.close();
    await eventually('a whole packet of the slow one', () => sent > 2 * packet.length);
    await counted(sensor, before + 1);
    clearInterval(timer);
  });

  it('the alarm stands, the verdict of health is good, and a board is served as ever', async () => {
    expect((await unit.page('/health'))?.status).toBe(200);
    expect((await unit.metrics()).get('embereye_zone_alarm{zone="a"}')).toBe(1);
    const board = await client('B');
    board.smoke();
    await eventually('zone b alarms', async () => {
      return (await unit.metrics()).get('embereye_zone_alarm{zone="b"}') === 1;
    });
    expect(unit.process.running).toBe(true);
    expect((await unit.end()).code).toBe(0);
  });
});
