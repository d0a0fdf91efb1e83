/** What a Raspberry Pi was told at its start: `config.txt` and the kernel's command line. */
import type { HalResult } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import { machineModel } from './system.ts';
import type { DoctorWorld } from './world.ts';
import { finding, textIn, trouble } from './world.ts';

const AREA = 'firmware';
export const CONFIG_FILES = ['/boot/firmware/config.txt', '/boot/config.txt'] as const;

/** The settings that decide which buses there are. */
export interface FirmwareSettings {
  /** `i2c_arm` -> `on`, `i2c_arm_baudrate` -> `400000`, `spi` -> `on`, ... */
  readonly params: ReadonlyMap<string, string>;
  readonly overlays: readonly string[];
  readonly uart: boolean;
}

/**
 * Reads `config.txt` as the firmware of this model would: sections in brackets count for the models
 * that they name. Conditions that cannot be judged here (`[EDID=...]`, `[gpio4=1]`) count as false.
 */
export function parseConfigTxt(text: string, model: string | null): FirmwareSettings {
  const params = new Map<string, string>();
  const overlays: string[] = [];
  let uart = false;
  let applies = true;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.replace(/#.*$/, '').trim();
    const [, section] = /^\[(.*)\]$/.exec(line) ?? [];
    if (section !== undefined) applies = sectionApplies(section.trim(), model);
    const [, key, value] = /^(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    if (!applies || key === undefined || value === undefined) continue;
    if (key === 'enable_uart') uart = value === '1';
    if (key === 'dtoverlay' && value !== '') overlays.push(value);
    if (key !== 'dtparam') continue;
    for (const part of value.split(',')) {
      const [name = '', setting = 'on'] = part.split('=');
      params.set(ALIASES.get(name.trim()) ?? name.trim(), setting.trim());
    }
  }
  return { params, overlays, uart };
}

const ALIASES = new Map([
  ['i2c', 'i2c_arm'],
  ['i2c1', 'i2c_arm'],
  ['i2c_baudrate', 'i2c_arm_baudrate'],
  ['i2c1_baudrate', 'i2c_arm_baudrate'],
]);

/** A section's name and what the model's name then holds. */
const SECTIONS: Readonly<Record<string, RegExp>> = {
  pi0: /Pi Zero/,
  pi02: /Pi Zero 2/,
  pi2: /Pi 2/,
  pi3: /Pi (3|Zero 2)|Compute Module 3/,
  pi4: /Pi 4|Compute Module 4/,
  pi400: /Pi 400/,
  cm4: /Compute Module 4/,
  pi5: /Pi 5|Compute Module 5/,
  pi500: /Pi 500/,
  cm5: /Compute Module 5/,
};

function sectionApplies(section: string, model: string | null): boolean {
  if (section === 'all') return true;
  return model !== null && SECTIONS[section]?.test(model) === true;
}

/** The first of the two places that exists. */
export async function readConfigTxt(
  world: DoctorWorld,
): Promise<{ readonly path: string; readonly text: HalResult<string> } | null> {
  for (const path of CONFIG_FILES) {
    const text = await textIn(world, path);
    if (text.ok || text.error.kind !== 'absent') return { path, text };
  }
  return null;
}

/** None on a machine without `config.txt`. */
export async function firmwareFindings(world: DoctorWorld): Promise<readonly ProbeFinding[]> {
  const file = await readConfigTxt(world);
  if (file === null) return [];
  const { path, text } = file;
  if (!text.ok) return [trouble(AREA, path, text.error, `sudo cat ${path}`)];
  const { params, overlays, uart } = parseConfigTxt(text.value, await machineModel(world));
  const line = (setting: string) => `for that, put ${setting} into ${path} and restart`;
  const i2c = params.get('i2c_arm');
  const baudrate = params.get('i2c_arm_baudrate');
  const rate = baudrate === undefined ? 'at the default 100 kHz' : `at ${baudrate} Hz`;
  return [
    isOn(i2c)
      ? finding(AREA, 'I2C', 'ok', `on, ${rate}`)
      : finding(AREA, 'I2C', 'note', 'off: no I2C sensor', line('dtparam=i2c_arm=on')),
    isOn(params.get('spi'))
      ? finding(AREA, 'SPI', 'ok', 'on')
      : finding(AREA, 'SPI', 'note', 'off: no SPI converter', line('dtparam=spi=on')),
    uart
      ? finding(AREA, 'UART', 'ok', 'on')
      : finding(AREA, 'UART', 'note', 'not enabled: no board on pins 8, 10', line('enable_uart=1')),
    finding(AREA, 'overlays', 'ok', overlays.length === 0 ? 'none' : overlays.join('; ')),
  ];
}

function isOn(value: string | undefined): boolean {
  return value === 'on' || value === 'yes' || value === 'true' || value === '1';
}
