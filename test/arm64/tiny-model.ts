/** A model small enough to be computed by hand, written as ONNX (protocol buffers, onnx.proto3). */

/** Field of a message: number, and a varint or bytes. */
type Field = readonly [number: number, value: number | Uint8Array | string];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

function message(...fields: readonly Field[]): Buffer {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'number') return Buffer.from([...varint(number * 8), ...varint(value)]);
    const bytes = Buffer.from(value as string);
    return Buffer.concat([
      Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]),
      bytes,
    ]);
  });
  return Buffer.concat(parts);
}

const FLOAT = 1;
const INTS = 7;

function tensor(name: string, dims: readonly number[], values: Float32Array): Buffer {
  const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message(...dims.map((dim): Field => [1, dim]), [2, FLOAT], [8, name], [9, raw]);
}

function valueInfo(name: string, dims: readonly number[]): Buffer {
  const shape = message(...dims.map((dim): Field => [1, message([1, dim])]));
  return message([1, name], [2, message([1, message([1, FLOAT], [2, shape])])]);
}

function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly Buffer[] = [],
): Buffer {
  return message(
    ...inputs.map((name): Field => [1, name]),
    [2, output],
    [4, operator],
    ...attributes.map((attribute): Field => [5, attribute]),
  );
}

function integers(name: string, values: readonly number[]): Buffer {
  return message([1, name], ...values.map((value): Field => [8, value]), [20, INTS]);
}

/** Input planes of `x`, as [1, planes, side, side]. */
export const PLANES = 3;
export const SIDE = 16;
/** Output planes of `conv`; and `product` is [planes * side, side] times [side, COLUMNS]. */
export const FILTERS = 8;
export const COLUMNS = 40;
const KERNEL = 3;

/** Small numbers of both signs, the same at each call. */
export function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => (((i * 37 + seed * 11) % 19) - 9) / 8);
}

export const FILTER_WEIGHTS = numbers(FILTERS * PLANES * KERNEL * KERNEL, 2);
export const MATRIX = numbers(SIDE * COLUMNS, 5);

/** `conv` = relu(convolution of x, 3 x 3, padded); `product` = rows of x times a matrix. */
export function tinyModel(): Uint8Array {
  const x = [1, PLANES, SIDE, SIDE];
  const graph = message(
    [1, node('Conv', ['x', 'filters'], 'sum', [integers('pads', [1, 1, 1, 1])])],
    [1, node('Relu', ['sum'], 'conv')],
    [1, node('MatMul', ['x', 'matrix'], 'product')],
    [2, 'tiny'],
    [5, tensor('filters', [FILTERS, PLANES, KERNEL, KERNEL], FILTER_WEIGHTS)],
    [5, tensor('matrix', [SIDE, COLUMNS], MATRIX)],
    [11, valueInfo('x', x)],
    [12, valueInfo('conv', [1, FILTERS, SIDE, SIDE])],
    [12, valueInfo('product', [1, PLANES, SIDE, COLUMNS])],
  );
  const operators = message([1, ''], [2, 13]);
  return message([1, 8], [7, graph], [8, operators]);
}

/** What `conv` must be, added up in the order in which one reads it. */
export function expectedConv(x: Float32Array): Float32Array {
  const result = new Float32Array(FILTERS * SIDE * SIDE);
  const at = (plane: number, row: number, column: number): number =>
    row < 0 || column < 0 || row >= SIDE || column >= SIDE
      ? 0
      : x[(plane * SIDE + row) * SIDE + column]!;
  for (let i = 0; i < result.length; i += 1) {
    const filter = Math.floor(i / (SIDE * SIDE));
    const row = Math.floor(i / SIDE) % SIDE;
    const column = i % SIDE;
    let sum = 0;
    for (let k = 0; k < PLANES * KERNEL * KERNEL; k += 1) {
      const plane = Math.floor(k / (KERNEL * KERNEL));
      const dRow = (Math.floor(k / KERNEL) % KERNEL) - 1;
      const dColumn = (k % KERNEL) - 1;
      const weight = FILTER_WEIGHTS[filter * PLANES * KERNEL * KERNEL + k]!;
      sum += weight * at(plane, row + dRow, column + dColumn);
    }
    result[i] = Math.max(0, sum);
  }
  return result;
}

export function expectedProduct(x: Float32Array): Float32Array {
  const result = new Float32Array(PLANES * SIDE * COLUMNS);
  for (let i = 0; i < result.length; i += 1) {
    const row = Math.floor(i / COLUMNS);
    let sum = 0;
    for (let k = 0; k < SIDE; k += 1)
      sum += x[row * SIDE + k]! * MATRIX[k * COLUMNS + (i % COLUMNS)]!;
    result[i] = sum;
  }
  return result;
}
