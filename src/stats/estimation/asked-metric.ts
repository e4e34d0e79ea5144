import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { type Label, labelKey } from '../metrics/label.ts';

const ofClassifiers: readonly string[] = ['accuracy', 'precision', 'recall', 'specificity', 'f1', 'auc'];
const ofRegressions: readonly string[] = ['mae', 'mse', 'rmse'];

/** One metric of an estimate, as a monitor asks for it. */
export interface AskedMetric {
  readonly metric: string;
  /** The class that is meant, of several. */
  readonly positive: Label | undefined;
  /** Where the options stand that ask. */
  readonly path: string;
}

/** Throws `ValidationError` for what is not estimated of a regression. */
export function demandRegressionMetric(asked: AskedMetric): void {
  demandMetric(asked, ofRegressions, 'regression');
  if (asked.positive !== undefined) throw wrongClass(asked, 'and a regression has no classes; leave it out.');
}

/** The place of the class that is meant, where one is; throws `ValidationError` for what is not estimated of a classifier. */
export function classifierPlace(asked: AskedMetric, classes: readonly Label[] | undefined): number | undefined {
  demandMetric(asked, ofClassifiers, 'classifier');
  const { metric, positive } = asked;
  if (positive === undefined) return undefined;
  if (classes === undefined) throw wrongClass(asked, 'which has a meaning only with a score per class; otherwise the estimator itself knows its positive class.');
  if (metric === 'accuracy') throw wrongClass(asked, 'and accuracy is of all classes; leave it out.');
  const place = classes.findIndex((label) => labelKey(label) === labelKey(positive));
  if (place < 0) throw wrongClass(asked, `and the classes of the estimator are ${shown(classes, 120)}.`);
  return place;
}

function demandMetric({ metric, path }: AskedMetric, allowed: readonly string[], what: string): void {
  if (!allowed.includes(metric)) throw new ValidationError(`${path}.metric is ${shown(metric, 60)}; the estimator is of a ${what}, and estimates ${allowed.join(', ')}.`, { path: `${path}.metric` });
}

function wrongClass({ positive, path }: AskedMetric, why: string): ValidationError {
  return new ValidationError(`${path}.positive is ${shown(positive, 60)}, ${why}`, { path: `${path}.positive` });
}
