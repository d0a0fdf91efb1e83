import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeLineEvents,
  decodeLineValue,
  encodeLineEvent,
  encodeLineValue,
  LINE_EVENT_BYTES,
  LINE_VALUES_BYTES,
} from '../../src/hal/gpio/uapi-events.ts';
import type { LineInfo, LineSettings } from '../../src/hal/gpio/uapi.ts';
import {
  CHIP_INFO_BYTES,
  decodeChipInfo,
  decodeLineConfig,
  decodeLineInfo,
  decodeLineRequest,
  encodeChipInfo,
  encodeLineConfig,
  encodeLineInfo,
  encodeLineInfoQuery,
  encodeLineRequest,
  GPIO,
  LINE_CONFIG_BYTES,
  LINE_INFO_BYTES,
  LINE_REQUEST_BYTES,
  requestedDescriptor,
  writeRequestedDescriptor,
} from '../../src/hal/gpio/uapi.ts';

/** Says what this machine's linux/gpio.h makes of the same structures. */
const PROGRAM = `
#include <linux/gpio.h>
#include <stdio.h>
#include <string.h>
static void show(const char *name, const void *bytes, size_t size) {
  printf("%s ", name);
  for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)bytes)[i]);
  printf("\\n");
}
#define NUMBER(name, value) printf("%s %llu\\n", name, (unsigned long long)(value))
int main(void) {
  NUMBER("chipInfo", GPIO_GET_CHIPINFO_IOCTL);
  NUMBER("lineInfo", GPIO_V2_GET_LINEINFO_IOCTL);
  NUMBER("lineRequest", GPIO_V2_GET_LINE_IOCTL);
  NUMBER("setConfig", GPIO_V2_LINE_SET_CONFIG_IOCTL);
  NUMBER("getValues", GPIO_V2_LINE_GET_VALUES_IOCTL);
  NUMBER("setValues", GPIO_V2_LINE_SET_VALUES_IOCTL);
  struct gpiochip_info chip = {.name = "gpiochip4", .label = "pinctrl-rp1", .lines = 54};
  show("chip", &chip, sizeof chip);
  struct gpio_v2_line_info query = {.offset = 17};
  show("query", &query, sizeof query);
  struct gpio_v2_line_info info = {.name = "GPIO17", .consumer = "embereye:siren", .offset = 17,
    .num_attrs = 1, .flags = GPIO_V2_LINE_FLAG_USED | GPIO_V2_LINE_FLAG_INPUT |
    GPIO_V2_LINE_FLAG_ACTIVE_LOW | GPIO_V2_LINE_FLAG_EDGE_RISING |
    GPIO_V2_LINE_FLAG_EDGE_FALLING | GPIO_V2_LINE_FLAG_BIAS_PULL_UP};
  info.attrs[0].id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
  info.attrs[0].debounce_period_us = 20000;
  show("info", &info, sizeof info);
  struct gpio_v2_line_request out = {.consumer = "embereye:siren", .num_lines = 1, .fd = 23};
  out.offsets[0] = 17;
  out.config.flags = GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN;
  out.config.num_attrs = 1;
  out.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
  out.config.attrs[0].attr.values = 1;
  out.config.attrs[0].mask = 1;
  show("output", &out, sizeof out);
  struct gpio_v2_line_request in = {.consumer = "embereye:reset", .num_lines = 1,
    .event_buffer_size = 128};
  in.offsets[0] = 27;
  in.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING |
    GPIO_V2_LINE_FLAG_EDGE_FALLING | GPIO_V2_LINE_FLAG_BIAS_DISABLED;
  in.config.num_attrs = 1;
  in.config.attrs[0].attr.id = GPIO_V2_LINE_ATTR_ID_DEBOUNCE;
  in.config.attrs[0].attr.debounce_period_us = 5000;
  in.config.attrs[0].mask = 1;
  show("input", &in, sizeof in);
  show("config", &in.config, sizeof in.config);
  struct gpio_v2_line_values values = {.bits = 1, .mask = 1};
  show("values", &values, sizeof values);
  struct gpio_v2_line_event event = {.timestamp_ns = 123456789012345ULL,
    .id = GPIO_V2_LINE_EVENT_FALLING_EDGE, .offset = 27, .seqno = 9, .line_seqno = 9};
  show("event", &event, sizeof event);
  return 0;
}
`;

const INPUT: LineSettings = {
  direction: 'in',
  bias: 'disabled',
  edges: true,
  high: null,
  debounceUs: 5000,
};
const OUTPUT: LineSettings = {
  direction: 'out',
  bias: 'pullDown',
  edges: false,
  high: true,
  debounceUs: null,
};
const INFO: LineInfo = {
  offset: 17,
  name: 'GPIO17',
  consumer: 'embereye:siren',
  used: true,
  activeLow: true,
  direction: 'in',
  bias: 'pullUp',
  edges: true,
  debounceUs: 20_000,
};
const EVENT = { timestampNs: 123_456_789_012_345n, rising: false, offset: 27, sequence: 9 };
const IN = { offset: 27, consumer: 'embereye:reset', settings: INPUT, eventBuffer: 128 };
const OUT = { offset: 17, consumer: 'embereye:siren', settings: OUTPUT, eventBuffer: 0 };

const hasCompiler = spawnSync('cc', ['--version']).status === 0;

describe.skipIf(!hasCompiler)('GPIO structures against linux/gpio.h (needs cc)', () => {
  let folder: string;
  const said = new Map<string, string>();
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gpio-uapi-'));
    const source = join(folder, 'layout.c');
    writeFileSync(source, PROGRAM);
    const program = join(folder, 'layout');
    execFileSync('cc', ['-Wall', '-Werror', '-o', program, source]);
    for (const line of execFileSync(program).toString().trim().split('\n')) {
      const [name = '', value = ''] = line.split(' ');
      said.set(name, value);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(Object.entries(GPIO))('%s is the number of its call', (name, number) => {
    expect(String(number)).toBe(said.get(name));
  });

  const request = (wanted: typeof IN | typeof OUT, descriptor: number): Buffer => {
    const bytes = encodeLineRequest(wanted);
    writeRequestedDescriptor(bytes, descriptor);
    return bytes;
  };

  it.each([
    ['chip', encodeChipInfo({ name: 'gpiochip4', label: 'pinctrl-rp1', lines: 54 })],
    ['query', encodeLineInfoQuery(17)],
    ['info', encodeLineInfo(INFO)],
    ['output', request(OUT, 23)],
    ['input', request(IN, 0)],
    ['config', encodeLineConfig(INPUT)],
    ['values', encodeLineValue(true)],
    ['event', encodeLineEvent(EVENT)],
  ])('%s has the bytes that a C program gives it', (name, bytes) => {
    expect(bytes.toString('hex')).toBe(said.get(name));
  });
});

describe('GPIO structures', () => {
  const bias = fc.constantFrom('asIs', 'pullUp', 'pullDown', 'disabled' as const);
  const text = fc.string({ maxLength: 31, unit: 'grapheme-ascii' });
  const number = fc.nat(0xffffffff);
  const settings = fc.record({
    direction: fc.constantFrom('in', 'out' as const),
    bias,
    edges: fc.boolean(),
    high: fc.option(fc.boolean()),
    debounceUs: fc.option(number),
  }) as fc.Arbitrary<LineSettings>;

  it('have the sizes of linux/gpio.h', () => {
    const sizes = [CHIP_INFO_BYTES, LINE_INFO_BYTES, LINE_REQUEST_BYTES, LINE_CONFIG_BYTES];
    expect([...sizes, LINE_VALUES_BYTES, LINE_EVENT_BYTES]).toEqual([68, 256, 592, 272, 16, 48]);
  });

  it('come back as they were written', () => {
    fc.assert(
      fc.property(settings, text, number, number, (wanted, consumer, offset, eventBuffer) => {
        const request = { offset, consumer, settings: wanted, eventBuffer };
        expect(decodeLineRequest(encodeLineRequest(request))).toEqual(request);
        expect(decodeLineConfig(encodeLineConfig(wanted))).toEqual(wanted);
        const chip = { name: consumer, label: consumer, lines: offset };
        expect(decodeChipInfo(encodeChipInfo(chip))).toEqual(chip);
        const { direction, edges, debounceUs } = wanted;
        const shown = { used: true, activeLow: false, direction, bias: wanted.bias, edges };
        const info = { ...shown, offset, name: consumer, consumer, debounceUs };
        expect(decodeLineInfo(encodeLineInfo(info))).toEqual(info);
      }),
    );
  });

  it('carry events one after the other, and no part of one', () => {
    const event = fc.record({
      timestampNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      rising: fc.option(fc.boolean()),
      offset: number,
      sequence: number,
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 10 }), fc.nat(47), (events, more) => {
        const bytes = Buffer.concat([...events.map(encodeLineEvent), Buffer.alloc(more)]);
        expect(decodeLineEvents(bytes)).toEqual(events);
      }),
    );
  });

  it('can be read whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 592, maxLength: 592 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(() => {
          decodeChipInfo(buffer);
          decodeLineInfo(buffer);
          decodeLineRequest(buffer);
          decodeLineEvents(buffer);
        }).not.toThrow();
      }),
    );
  });

  it('cut a name that is too long, and end it', () => {
    const long = 'embereye:' + 'x'.repeat(48);
    const { consumer } = decodeLineRequest(encodeLineRequest({ ...OUT, consumer: long }));
    expect(consumer).toBe(long.slice(0, 31));
  });

  it('carry the descriptor and the level', () => {
    const bytes = encodeLineRequest(OUT);
    writeRequestedDescriptor(bytes, 23);
    expect(requestedDescriptor(bytes)).toBe(23);
    expect([true, false].map((high) => decodeLineValue(encodeLineValue(high)))).toEqual([
      true,
      false,
    ]);
  });
});
