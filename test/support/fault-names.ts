/**
 * The names of all faults and supervisory facts that the code can tell, read from its source: text
 * given to a property `fault`, text in types that name faults, and text handed to the functions that
 * raise and restore.
 */
import ts from 'typescript';
import type { SourceFile } from './tidy-rules.ts';

/** Functions one of whose arguments is the name of a fault. */
const TELLERS = new Set([
  ...['raise', '#raise', 'restore', '#restore', 'fault', '#fault', 'configFault', 'unopened'],
  ...['tell', '#tell', 'notice'],
]);
const TYPES = /^(StoreTroubleKind|\w+Fault)$/;
const NAME = /^[a-z][A-Za-z]+$/;

export function faultNamesIn({ path, text }: SourceFile): readonly string[] {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const place = placeOfNames(node);
    if (place !== null) for (const one of place) collect(one, names);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true));
  return [...names];
}

/** Below which nodes every text is the name of a fault; null where nothing is said of any. */
function placeOfNames(node: ts.Node): readonly ts.Node[] | null {
  if (ts.isPropertyAssignment(node) && isFaultKey(node.name)) return [node.initializer];
  if ((ts.isPropertySignature(node) || ts.isParameter(node)) && isFaultKey(node.name)) {
    return node.type === undefined ? null : [node.type];
  }
  if (ts.isVariableDeclaration(node) && isFaultKey(node.name)) {
    return node.initializer === undefined ? null : [node.initializer];
  }
  if (ts.isTypeAliasDeclaration(node) && TYPES.test(node.name.text)) return [node.type];
  if (!ts.isCallExpression(node)) return null;
  const { expression } = node;
  const called = ts.isPropertyAccessExpression(expression) ? expression.name : expression;
  if (!ts.isIdentifier(called) && !ts.isPrivateIdentifier(called)) return null;
  return TELLERS.has(called.text) ? node.arguments.filter(isPlainChoice) : null;
}

function isFaultKey(name: ts.Node): boolean {
  return ts.isIdentifier(name) && name.text === 'fault';
}

/** A text, or one of two: what is computed within an argument is no name. */
function isPlainChoice(node: ts.Node): boolean {
  return ts.isStringLiteral(node) || ts.isConditionalExpression(node);
}

function collect(node: ts.Node, names: Set<string>): void {
  if (ts.isStringLiteral(node) && NAME.test(node.text)) names.add(node.text);
  // A comparison within names no fault of its own.
  if (ts.isBinaryExpression(node) || ts.isCallExpression(node)) return;
  ts.forEachChild(node, (child) => collect(child, names));
}
