import type { RunRecord } from 'modelkeep';
import { distributionChart, lineChart, type Chart, type LineSeries } from 'modelkeep/report';
import type { Judged } from './drift.ts';
import type { Answer } from './serving.ts';
import type { SyncStatus } from './sync.ts';

/** An element of index.html. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no element '${id}'.`);
  return found as Kind;
}

/** Says something where it is read out too, once for each change. */
export function say(id: string, text: string, state?: string): void {
  const { dataset } = element(id);
  if (state === undefined) delete dataset['state'];
  else dataset['state'] = state;
  if (element(id).textContent !== text) element(id).textContent = text;
}

// #region curves
/** The metrics of a run as they stand now, as wide as there is room. */
export function showCurves(run: string, series: readonly LineSeries[]): void {
  const width = Math.max(260, Math.min(900, element('curves').clientWidth));
  show('curves', lineChart(series, { title: `Loss of run ${shortId(run)}`, xLabel: 'epoch', yLabel: 'loss', width, height: 260 }));
}
// #endregion curves

/** The newest runs, whichever tab they are of. */
export function showRuns(runs: readonly RunRecord[]): void {
  element('runs').replaceChildren(...(runs.length === 0 ? [rowOf(['none yet', '', '', '', ''])] : runs.map((run) => rowOf(cellsOf(run)))));
}

/** What the model in production says of a penguin. */
export function showAnswer({ species, score }: Answer, version: number): void {
  say('answer', `${species}, ${(100 * score).toFixed(0)} % sure, says version ${version}.`);
}

/** What the monitor makes of the last requests. */
export function showDrift({ verdict, reference, current }: Judged): void {
  say('verdict', `${verdict.status === 'drifted' ? 'Drifted' : verdict.status === 'stable' ? 'Stable' : 'Too little to say'}: ${verdict.summary}`, verdict.status);
  const column = reference.columns.findIndex(({ name }) => name === 'flipperLength');
  show('drift', distributionChart(reference.columns[column]!, current.columns[column]!));
  element('drift-key').hidden = false;
}

/** How the copy on the server stands. */
export function showSync(status: SyncStatus): void {
  say('sync', wordsOf(status), status.state);
}

function wordsOf(status: SyncStatus): string {
  switch (status.state) {
    case 'syncing':
      return 'Copying to the server…';
    case 'offline':
      return 'The server cannot be reached. All goes on here, and is copied when it can be.';
    case 'same':
      return status.conflicts === 0 ? 'The server has all of it.' : `The server has all but ${status.conflicts} of another browser, which were left as they are.`;
    case 'failed':
      return `Not copied: ${status.message}`;
  }
}

/** The picture is made by modelkeep, which escapes all text in it. */
function show(id: string, chart: Chart): void {
  element(id).innerHTML = chart.toSVG();
  element(`${id}-summary`).textContent = chart.summary;
}

function cellsOf({ id, status, params, metrics }: RunRecord): string[] {
  const accuracy = metrics['val_acc']?.value;
  const step = metrics['loss']?.step;
  return [shortId(id), status, params['learningRate'] === undefined ? '' : JSON.stringify(params['learningRate']), step === undefined ? '' : String(step + 1), accuracy === undefined ? '' : `${(100 * accuracy).toFixed(1)} %`];
}

function rowOf([head, ...cells]: readonly string[]): HTMLTableRowElement {
  const row = document.createElement('tr');
  const name = Object.assign(document.createElement('th'), { scope: 'row', textContent: head });
  row.append(name, ...cells.map((textContent) => Object.assign(document.createElement('td'), { textContent })));
  return row;
}

function shortId(id: string): string {
  return id.slice(-6);
}
