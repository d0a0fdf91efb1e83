/** The packets of a board as bytes, in every spelling that boards in the field use. */
import { hexOfWords } from './hex.ts';

/** `glued` is `#Sensor1234:`, `separate` is `#Sensor:1234:`, `absent` is `#Sensor:`. */
export type LocationForm = 'glued' | 'separate' | 'absent';

export interface PacketStyle {
  /** As announced and as repeated in each packet; may hold spaces. */
  readonly location: string;
  readonly locationForm: LocationForm;
  /** How the digital flame input is called. */
  readonly digitalKey: 'DIO' | 'MPY30';
  /** The real board writes its third analog channel with a stray colon. */
  readonly thirdAnalogKey: 'ADC3:' | 'ADC3';
  /** What follows each `!`. */
  readonly terminator: '\r\n' | '\n' | '';
}

/** As the real board writes. */
export const REAL_BOARD_STYLE: PacketStyle = {
  location: '1234',
  locationForm: 'glued',
  digitalKey: 'DIO',
  thirdAnalogKey: 'ADC3:',
  terminator: '\r\n',
};

/** Raw readings of one moment: analog channels 0..4095, digital flame 0 or 1. */
export interface AnalogSample {
  readonly smoke: number;
  readonly flame: number;
  readonly third: number;
  readonly digitalFlame: 0 | 1;
}

export function announcement(
  kind: 'serialno' | 'locid',
  value: string,
  style: PacketStyle,
): Buffer {
  return Buffer.from(`#${kind}:${value}!${style.terminator}`, 'latin1');
}

export function sensorPacket(sample: AnalogSample, style: PacketStyle): Buffer {
  const readings = [
    `ADC1=${sample.smoke}`,
    `ADC2=${sample.flame}`,
    `${style.thirdAnalogKey}=${sample.third}`,
    `${style.digitalKey}=${sample.digitalFlame}`,
  ];
  const text = `${header('Sensor', style)}${readings.join(',')}!${style.terminator}`;
  return Buffer.from(text, 'latin1');
}

/** `words` are the 834 words of the array's RAM. */
export function framePacket(words: Uint16Array, style: PacketStyle): Buffer {
  return wordPacket(header('frame', style), words, style);
}

/** `words` are the 832 words of the array's EEPROM. */
export function eepromPacket(words: Uint16Array, style: PacketStyle): Buffer {
  // Boards that leave the location out elsewhere leave it out here too; the colon stays.
  return wordPacket(header('EEPROM', style), words, style);
}

function wordPacket(head: string, words: Uint16Array, style: PacketStyle): Buffer {
  return Buffer.concat([
    Buffer.from(head, 'latin1'),
    hexOfWords(words),
    Buffer.from(`!${style.terminator}`, 'latin1'),
  ]);
}

function header(kind: string, style: PacketStyle): string {
  if (style.locationForm === 'absent') return `#${kind}:`;
  return `#${kind}${style.locationForm === 'separate' ? ':' : ''}${style.location}:`;
}
