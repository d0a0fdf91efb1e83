/**
 * Modbus lines without hardware: units with tables of registers, and all that units do wrong.
 * Turns, repetition and reopening are those of the real lines; only the wire is a model.
 */
import type { Cancel, Clock, Random } from '../domain/ports.ts';
import type {
  ModbusAddress,
  ModbusBackend,
  ModbusLine,
  ModbusRead,
  ModbusTable,
} from './bus-ports.ts';
import { lineName } from './modbus/address.ts';
import { modbusBackend } from './modbus/backend.ts';
import { exception, lineClosed, noAnswer } from './modbus/trouble.ts';
import type { ModbusWire } from './modbus/wire.ts';
import type { HalError, HalErrorKind, HalResult } from './ports.ts';
import { done, failed } from './ports.ts';

export { lineName } from './modbus/address.ts';

/** One unit: registers and bits by table and address; addresses that are not there are refused. */
export type SimulatedUnit = Partial<Record<ModbusTable, Map<number, number>>>;

/** Chance that never varies: a simulated line is opened again after the same times in each run. */
const STEADY: Random = { next: () => 0.5, uint32: () => 2 ** 31 };
const ILLEGAL_ADDRESS = 2;

interface Line {
  readonly units: Map<number, SimulatedUnit>;
  readonly wires: Set<SimulatedWire>;
}

export class SimulatedModbus implements ModbusBackend {
  readonly kind = 'simulated';
  /** Refuses openings. */
  openFault: HalErrorKind | null = null;
  /** Fails every request. */
  readFault: HalErrorKind | null = null;
  /** How long a unit thinks; longer than a request's timeout is no answer. */
  answerMs = 5;
  /** Handles that are open: a leak shows here. */
  handles = 0;
  /** Requests that have reached a unit, or nobody. */
  requests = 0;
  readonly #lines = new Map<string, Line>();
  readonly #backend: ModbusBackend;

  constructor(clock: Clock) {
    this.#backend = modbusBackend({
      kind: this.kind,
      clock,
      random: STEADY,
      openWire: (address) => Promise.resolve(this.#openWire(address, clock)),
    });
  }

  /** Puts a unit on a line, `lineName(address)`; returns what takes it off. */
  attach(line: string, unit: number, tables: SimulatedUnit): () => void {
    const { units } = this.#plug(line);
    units.set(unit, tables);
    return () => {
      if (units.get(unit) === tables) units.delete(unit);
    };
  }

  /** Takes a whole line away under its users, units and all. */
  unplug(line: string): void {
    const found = this.#lines.get(line);
    if (found === undefined) return;
    this.#lines.delete(line);
    const { error } = failed('absent', `${line} is gone (simulated)`);
    for (const wire of [...found.wires]) wire.lose(error);
  }

  async open(address: ModbusAddress): Promise<HalResult<ModbusLine>> {
    const opened = await this.#backend.open(address);
    if (!opened.ok) return opened;
    const line = opened.value;
    let closed = false;
    this.handles += 1;
    return done({
      name: line.name,
      read: (request) => line.read(request),
      close: async () => {
        if (!closed) this.handles -= 1;
        closed = true;
        await line.close();
      },
    });
  }

  #plug(name: string): Line {
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const line: Line = { units: new Map(), wires: new Set() };
    this.#lines.set(name, line);
    return line;
  }

  #openWire(address: ModbusAddress, clock: Clock): HalResult<ModbusWire> {
    const name = lineName(address);
    if (this.openFault !== null) {
      return failed(this.openFault, `${name} cannot be opened (simulated ${this.openFault})`);
    }
    const line = this.#lines.get(name);
    if (line === undefined) return failed('absent', `${name} is not there (simulated)`);
    const wire = new SimulatedWire(clock, {
      answerMs: (request) => this.#answerMs(line, request),
      answer: (request) => this.#answer(address, line, request),
      closed: () => line.wires.delete(wire),
      name,
    });
    line.wires.add(wire);
    return done(wire);
  }

  #answerMs(line: Line, { unit, timeoutMs }: ModbusRead): number {
    return this.#isSilent(line, unit) ? timeoutMs : Math.min(timeoutMs, this.answerMs);
  }

  #isSilent(line: Line, unit: number): boolean {
    return !line.units.has(unit) || this.readFault === 'timeout';
  }

  #answer(address: ModbusAddress, line: Line, request: ModbusRead): HalResult<Uint16Array> {
    this.requests += 1;
    const unit = line.units.get(request.unit);
    const late = this.answerMs > request.timeoutMs;
    if (unit === undefined || late || this.#isSilent(line, request.unit)) {
      return noAnswer(address, request);
    }
    if (this.readFault !== null) {
      const where = `unit ${request.unit} on ${lineName(address)}`;
      return failed(this.readFault, `${where}: ${this.readFault} (simulated)`);
    }
    const words = new Uint16Array(request.count);
    for (let i = 0; i < request.count; i++) {
      const word = unit[request.table]?.get(request.address + i);
      if (word === undefined) return exception(address, request, ILLEGAL_ADDRESS);
      words[i] = word;
    }
    return done(words);
  }
}

interface FarEnd {
  readonly name: string;
  answerMs(request: ModbusRead): number;
  answer(request: ModbusRead): HalResult<Uint16Array>;
  closed(): void;
}

class SimulatedWire implements ModbusWire {
  readonly stale = false;
  readonly #clock: Clock;
  readonly #far: FarEnd;
  #end: ((result: HalResult<Uint16Array>) => void) | null = null;
  #lostListener: (error: HalError) => void = () => undefined;

  constructor(clock: Clock, far: FarEnd) {
    this.#clock = clock;
    this.#far = far;
  }

  exchange(request: ModbusRead): Promise<HalResult<Uint16Array>> {
    return new Promise((resolve) => {
      const cancel: Cancel = this.#clock.after(this.#far.answerMs(request), () => {
        this.#end?.(this.#far.answer(request));
      });
      this.#end = (result) => {
        this.#end = null;
        cancel();
        resolve(result);
      };
    });
  }

  discard(): Promise<void> {
    return Promise.resolve();
  }

  onLost(listener: (error: HalError) => void): void {
    this.#lostListener = listener;
  }

  lose(error: HalError): void {
    this.#far.closed();
    this.#end?.({ ok: false, error });
    this.#lostListener(error);
  }

  close(): Promise<void> {
    this.#far.closed();
    this.#end?.(lineClosed(this.#far.name));
    return Promise.resolve();
  }
}
