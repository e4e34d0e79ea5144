export { renderReport, type ReportOptions, type ReportParts } from './report/render-report.ts';
export { reportScript, reportStyle, type LinkedAssets, type PageAssets } from './report/page/shell.ts';
export type { CurveMetric, CurvesPart, RunCurve } from './report/sections/curves.ts';
export type { RunsPart } from './report/sections/runs.ts';
export type { Chart, DataTable, VegaLiteSpec } from './report/charts/chart.ts';
export { lineChart, type LineChartOptions, type LineSeries } from './report/charts/line.ts';
export type { ExponentialSmoothing, GaussianSmoothing, MeanSmoothing, Smoothing } from './report/charts/smoothing.ts';
