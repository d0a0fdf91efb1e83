/** Small ONNX models for tests, written field by field (protocol buffers, onnx.proto3). */

/** Field of a message: number, and a varint, text or bytes. */
type Field = readonly [number: number, value: number | bigint | Uint8Array | string];

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

/** A message of the given fields, in that order. */
export function message(...fields: readonly Field[]): Buffer {
  const parts = fields.map(([number, value]) => {
    if (typeof value === 'number' || typeof value === 'bigint') {
      return Buffer.from([...varint(BigInt(number * 8)), ...varint(BigInt(value))]);
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    const head = [...varint(BigInt(number * 8 + 2)), ...varint(BigInt(bytes.length))];
    return Buffer.concat([Buffer.from(head), bytes]);
  });
  return Buffer.concat(parts);
}

/** `TensorProto.DataType`. */
export const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;
/** `AttributeProto.AttributeType`. */
const GRAPH = 5;

function tensor(
  name: string,
  type: number,
  dims: readonly number[],
  raw: Float32Array | BigInt64Array | Uint8Array,
): Buffer {
  const bytes = new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  return message(...dims.map((dim): Field => [1, dim]), [2, type], [8, name], [9, bytes]);
}

/** Null in `dims` is a size of any value. */
function valueInfo(name: string, type: number, dims: readonly (number | null)[]): Buffer {
  const shape = message(
    ...dims.map((dim): Field => [1, dim === null ? message([2, 'rows']) : message([1, dim])]),
  );
  return message([1, name], [2, message([1, message([1, type], [2, shape])])]);
}

function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Buffer[] = [],
): Buffer {
  return message(
    ...inputs.map((name): Field => [1, name]),
    ...outputs.map((name): Field => [2, name]),
    [4, operator],
    ...attributes.map((attribute): Field => [5, attribute]),
  );
}

export interface ModelText {
  /** Columns of the input; null: any. */
  readonly width: number | null;
  readonly inputName: string;
  readonly inputType: number;
  readonly outputName: string;
  readonly kinds: number;
  /** Metadata entries. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** Weights [width, kinds], row by row, of a model whose belief depends on its input. */
export function weightsOf(width: number, kinds: number): Float32Array {
  return Float32Array.from({ length: width * kinds }, (_, i) => (((i * 37 + 11) % 19) - 9) / 9000);
}

/** Nodes and constants between `x` (the input) and `y` (the output). */
type Body = (width: number, kinds: number) => { nodes: Buffer[]; constants: Buffer[] };

/** softmax(x W): a model that works. */
export const SOFTMAX: Body = (width, kinds) => ({
  nodes: [node('MatMul', ['x', 'w'], ['s']), node('Softmax', ['s'], ['y'])],
  constants: [tensor('w', FLOAT, [width, kinds], weightsOf(width, kinds))],
});

/** The same share for each kind, whatever the input. */
export const CONSTANT: Body = (width, kinds) => ({
  nodes: [node('MatMul', ['x', 'w'], ['s']), node('Softmax', ['s'], ['y'])],
  constants: [tensor('w', FLOAT, [width, kinds], new Float32Array(width * kinds))],
});

/** 0 / 0 for every input. */
export const NAN: Body = (width, kinds) => ({
  nodes: [
    node('Sub', ['x', 'x'], ['z']),
    node('Div', ['z', 'z'], ['n']),
    node('MatMul', ['n', 'w'], ['y']),
  ],
  constants: [tensor('w', FLOAT, [width, kinds], weightsOf(width, kinds))],
});

/** Works within the range of features, and gives NaN for one below -5. */
export const NAN_BELOW: Body = (width, kinds) => ({
  nodes: [
    node('Add', ['x', 'five'], ['a']),
    node('Sqrt', ['a'], ['r']),
    node('MatMul', ['r', 'w'], ['s']),
    node('Softmax', ['s'], ['y']),
  ],
  constants: [
    tensor('w', FLOAT, [width, kinds], weightsOf(width, kinds)),
    tensor('five', FLOAT, [], Float32Array.of(5)),
  ],
});

/** Sums that are no shares: x W without a softmax. */
export const NO_SHARES: Body = (width, kinds) => ({
  nodes: [node('MatMul', ['x', 'w'], ['y'])],
  constants: [tensor('w', FLOAT, [width, kinds], new Float32Array(width * kinds).fill(7))],
});

/** An operator that there is not. */
export const UNKNOWN_OPERATOR: Body = (width, kinds) => ({
  nodes: [node('Foresee', ['x', 'w'], ['y'])],
  constants: [tensor('w', FLOAT, [width, kinds], weightsOf(width, kinds))],
});

/** Goes round as often as the largest feature says: a feature of 1e15 never ends. */
export const ENDLESS: Body = (width, kinds) => {
  const body = message(
    [1, node('Identity', ['go'], ['goOn'])],
    [1, node('Identity', ['held'], ['kept'])],
    [2, 'round'],
    [11, valueInfo('round', INT64, [])],
    [11, valueInfo('go', BOOL, [])],
    [11, valueInfo('held', FLOAT, [null, kinds])],
    [12, valueInfo('goOn', BOOL, [])],
    [12, valueInfo('kept', FLOAT, [null, kinds])],
  );
  return {
    nodes: [
      node('MatMul', ['x', 'w'], ['s']),
      node('Softmax', ['s'], ['shares']),
      node('ReduceMax', ['x'], ['most'], [message([1, 'keepdims'], [3, 0], [20, 2])]),
      node('Cast', ['most'], ['rounds'], [message([1, 'to'], [3, INT64], [20, 2])]),
      node(
        'Loop',
        ['rounds', 'yes', 'shares'],
        ['y'],
        [message([1, 'body'], [6, body], [20, GRAPH])],
      ),
    ],
    constants: [
      tensor('w', FLOAT, [width, kinds], weightsOf(width, kinds)),
      tensor('yes', BOOL, [], Uint8Array.of(1)),
    ],
  };
};

const DEFAULTS: ModelText = {
  width: 4,
  inputName: 'features',
  inputType: FLOAT,
  outputName: 'belief',
  kinds: 5,
  metadata: { 'embereye.features': 'test-1' },
  body: SOFTMAX,
};

/** Bytes of a model; what is left out is as in one that works with 4 features of `test-1`. */
export function modelBytes(given: Partial<ModelText> = {}): Buffer {
  const text = { ...DEFAULTS, ...given };
  const { nodes, constants } = text.body(text.width ?? 4, text.kinds);
  const cast = text.inputType === FLOAT ? 'Identity' : 'Cast';
  const toFloat = cast === 'Cast' ? [message([1, 'to'], [3, FLOAT], [20, 2])] : [];
  const graph = message(
    [1, node(cast, [text.inputName], ['x'], toFloat)],
    ...nodes.map((one): Field => [1, one]),
    [1, node('Identity', ['y'], [text.outputName])],
    [2, 'test'],
    ...constants.map((one): Field => [5, one]),
    [11, valueInfo(text.inputName, text.inputType, [null, text.width])],
    [12, valueInfo(text.outputName, FLOAT, [null, text.kinds])],
  );
  const metadata = Object.entries(text.metadata).map(([key, value]): Field => [
    14,
    message([1, key], [2, value]),
  ]);
  return message([1, 8], [7, graph], [8, message([1, ''], [2, 13])], ...metadata);
}
