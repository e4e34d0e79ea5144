import { shown } from '../../core/shown.ts';
import { Refusal } from '../refusal.ts';
import { assertRows, inputsOfInstances, type ModelInputs } from './json-inputs.ts';
import { isObject, ownFields } from './json-values.ts';
import { isScalar, type ModelForm } from './model-form.ts';
import type { JsonObject } from './serving-call.ts';

/** The inputs that examples are: each is an object of features, with those of the context, whose value is a list or one value. */
export function exampleInputs(form: ModelForm, { examples, context = {} }: JsonObject, method: string, maxRows: number): ModelInputs {
  if (examples === undefined) throw invalid(`JSON Value: When method is ${method}, key 'examples' is expected and was not found`);
  if (!Array.isArray(examples)) throw invalid("JSON Value: Expecting 'examples' value to be an list/array");
  if (examples.length === 0) throw invalid("JSON Value: 'examples' value is an empty array");
  if (!isObject(context)) throw invalid(`Example must be JSON object but got JSON ${kindOf(context)}`);
  assertRows(examples.length, maxRows);
  const rows = examples.map((example: unknown) => {
    if (!isObject(example)) throw invalid(`Example must be JSON object but got JSON ${kindOf(example)}`);
    return ownFields([...Object.entries(context), ...Object.entries(example)].map(([name, value]) => [name, valueOf(form, name, value)]));
  });
  if (form.kind !== 'values') return inputsOfInstances(form, rows);
  // A model of single values or lists has one feature, whatever it is called.
  const odd = rows.find((row) => Object.keys(row).length !== 1);
  if (odd !== undefined) throw invalid(`Example must have one feature for this model; ${shown(odd, 80)} has ${Object.keys(odd).length}.`);
  return inputsOfInstances(form, rows.map((row) => Object.values(row)[0]));
}

/** A list of one stands for its value where the model takes one value: examples know lists only. */
function valueOf(form: ModelForm, name: string, value: unknown): unknown {
  if (value === null) throw invalid(`Feature: ${name} has element with unexpected JSON type: Null`);
  if (!Array.isArray(value) || value.length !== 1) return value;
  const single = form.kind === 'rows' ? form.columns.has(name) && isScalar(form.columns.get(name)) : form.kind === 'values' && isScalar(form.spec);
  return single ? (value as unknown[])[0] : value;
}

/**
 * The classes of each output with their scores. An output has `classes` and `scores`, or a label and a score, or is a score by each label, or a list of scores; labels that nobody told are empty, as there.
 */
export function classifications(outputs: readonly unknown[]): [label: string, score: unknown][][] {
  return outputs.map((output) => {
    if (Array.isArray(output)) return scored([], output);
    if (!isObject(output)) throw noClasses(output);
    const { classes, scores, label, score, class: name = label, probability = score } = output;
    if (Array.isArray(scores)) return scored(Array.isArray(classes) ? classes : [], scores);
    if (Array.isArray(classes)) return classes.map((each) => [textOf(each), 0]);
    if (name !== undefined && (typeof probability === 'number' || probability === undefined)) return [[textOf(name), probability ?? 0]];
    const entries = Object.entries(output);
    if (entries.length === 1 && Array.isArray(entries[0]![1])) return scored([], entries[0]![1]);
    if (entries.length === 0 || !entries.every(([, value]) => typeof value === 'number')) throw noClasses(output);
    return entries;
  });
}

function scored(classes: readonly unknown[], scores: readonly unknown[]): [string, unknown][] {
  // Pairs of a label and a score are told as they are.
  if (scores.length > 0 && scores.every((pair) => Array.isArray(pair) && pair.length === 2)) return (scores as [unknown, unknown][]).map(([label, score]) => [textOf(label), score]);
  if (!scores.every((score) => typeof score === 'number')) throw noClasses(scores);
  return scores.map((score, i) => [i < classes.length ? textOf(classes[i]) : '', score]);
}

/** The number that each output is, alone, in a list of one, or as an only field. */
export function regressions(outputs: readonly unknown[]): number[] {
  return outputs.map((output) => {
    let value = isObject(output) ? (Object.hasOwn(output, 'value') ? output['value'] : Object.keys(output).length === 1 ? Object.values(output)[0] : output) : output;
    if (Array.isArray(value) && value.length === 1) value = (value as unknown[])[0];
    if (typeof value !== 'number') throw invalid(`The model gave ${shown(output, 80)}, which is no number: it does not do regression.`);
    return value;
  });
}

function noClasses(output: unknown): Error {
  return invalid(`The model gave ${shown(output, 80)}, which has no classes with scores: it does not do classification.`);
}

function textOf(label: unknown): string {
  return typeof label === 'string' ? label : String(label);
}

function kindOf(value: unknown): string {
  if (value === null) return 'Null';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return Array.isArray(value) ? 'Array' : typeof value === 'string' ? 'String' : typeof value === 'object' ? 'Object' : 'Number';
}

function invalid(message: string): Refusal {
  return new Refusal(400, 'validation', message);
}
