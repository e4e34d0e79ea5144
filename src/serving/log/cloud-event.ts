import { stringifyLossless } from '../../core/lossless-json.ts';
import type { LoggedFeedback, LoggedPrediction } from './logged-prediction.ts';

/** An event of the prediction log in the form of CloudEvents 1.0 (`cloudevents.io`), structured JSON. */
interface PredictionCloudEvent {
  /** The version of CloudEvents. */
  readonly specversion: '1.0';
  /** Unique among the events of its source. */
  readonly id: string;
  /** The deployment: `/modelkeep/deployments/` and the name of the model. */
  readonly source: string;
  /** What it tells of. */
  readonly type: 'dev.modelkeep.prediction' | 'dev.modelkeep.feedback';
  /** The version of the model, such as `flight-delay@3`. */
  readonly subject: string;
  /** When it was asked, or when the feedback came; RFC 3339. */
  readonly time: string;
  /** What `data` is. */
  readonly datacontenttype: 'application/json';
  /** Id of the prediction, the same in all events on it. */
  readonly predictionid: string;
  /** Number of the version. */
  readonly modelversion: number;
  /** As what it was counted. */
  readonly arm: string;
  /** Why it was this version. */
  readonly reason: string;
  /** The variant of the experiment; absent where there was none. */
  readonly variant?: string | undefined;
  /** Whether it was a copy that nobody saw the answer of. */
  readonly shadow: boolean;
  /** Of a prediction: input, output or error, key, times. Of feedback: label and metrics. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A prediction and what came of it as events, in the order of their happening. */
export function cloudEventsOf(model: string, prediction: LoggedPrediction): PredictionCloudEvent[] {
  const { id, at, version, arm, reason, variant, shadow, feedback, ...data } = prediction;
  const about = {
    specversion: '1.0',
    source: `/modelkeep/deployments/${encodeURIComponent(model)}`,
    subject: `${model}@${version}`,
    datacontenttype: 'application/json',
    predictionid: id,
    modelversion: version,
    arm,
    reason,
    ...(variant !== undefined && { variant }),
    shadow,
  } as const;
  const own = shadow ? `${id}#shadow-${version}` : id;
  return [
    { ...about, id: own, type: 'dev.modelkeep.prediction', time: timeOf(at), data },
    ...feedback.map((told, f): PredictionCloudEvent => ({ ...about, id: `${own}#feedback-${f + 1}`, type: 'dev.modelkeep.feedback', time: timeOf(told.at), data: dataOf(told) })),
  ];
}

/** One line of JSON. Integers of 64 bits are exact; NaN and infinities are texts. */
export function lineOf(event: PredictionCloudEvent): string {
  return `${stringifyLossless(event)}\n`;
}

function dataOf({ label, metrics }: LoggedFeedback): Record<string, unknown> {
  return { ...(label !== undefined && { label }), ...(metrics && { metrics }) };
}

function timeOf(at: number): string {
  return new Date(at).toISOString();
}
