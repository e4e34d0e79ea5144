export { AbortedError, ConflictError, GateError, IntegrityError, ModelkeepError, NotFoundError, StorageError, TimeoutError, UnsupportedError, ValidationError, isModelkeepError, type ErrorCode, type ErrorDetails, type StorageErrorCode } from './core/errors.ts';
export type { AuditEvent } from './core/audit.ts';
export type { Clock, Undo } from './core/clock.ts';
export type { Encodable } from './core/codec.ts';
export type { ColumnInput, ColumnType, EmbeddingType } from './core/column.ts';
export type { Content, TextStream } from './core/content.ts';
export type { DeliveryOptions, DeliveryRetry } from './core/delivery/delivery-options.ts';
export type { Digest } from './core/digest.ts';
export type { Duration } from './core/duration.ts';
export type { CodeRecord, Environment, EnvironmentRecord } from './core/environment.ts';
export type { FailureRecord } from './core/failure.ts';
export { escapeSegment, unescapeSegment, type Key } from './core/key.ts';
export type { ErrorListener, Logger } from './core/logger.ts';
export type { Page } from './core/page.ts';
export type { LongOperationOptions, OperationOptions, Progress } from './core/progress.ts';
export type { Random } from './core/random.ts';
export type { LineageEdge, LineageRelation, RecordKind, RecordRef } from './core/record-ref.ts';
export type { StandardFailure, StandardIssue, StandardPathSegment, StandardProps, StandardResult, StandardSchema, StandardSuccess, StandardTypes } from './core/schema.ts';
export type { SystemMetrics, SystemMetricsReader } from './core/system-metrics.ts';
export type { ArrowTable, ArrowVector, Columns, Row, TableInput, TableSource } from './core/table.ts';
export type { TriggerEvent, TriggerPage, TriggerPollOptions, TriggerSource } from './core/trigger-source.ts';
export type {
  AdapterSupports,
  AppendOptions,
  BlobOptions,
  BlobRange,
  BlobRef,
  DeleteBlobOptions,
  DeleteOperation,
  DomainCommand,
  InspectOptions,
  ListEntry,
  ListPage,
  ListQuery,
  LogEntry,
  LogPosition,
  LogQuery,
  PutOperation,
  ReadBlobOptions,
  ReadOptions,
  RecordAdapter,
  RecordSupports,
  StorageAdapter,
  StoreFinding,
  StoredRecord,
  Version,
  VersionMatch,
  WriteCondition,
  WriteDone,
  WriteOperation,
  WriteRefused,
  WriteResult,
} from './storage/contract.ts';
export { checkStore, type CheckStoreOptions } from './storage/check-store.ts';
export { collectGarbage, type CollectGarbageOptions, type GarbageReport } from './storage/collect-garbage.ts';
export { exportStore, type ExportStoreOptions } from './storage/export-store.ts';
export { importStore, type ImportConflict, type ImportReport, type ImportStoreOptions } from './storage/import-store.ts';
export { rewritableLog, type RewritableLog, type RewritableLogOptions } from './storage/rewritable-log.ts';
export type { KeepEntry, RewriteResult } from './storage/rewrite-log.ts';
export { MemoryStorage } from './storage/memory/memory-storage.ts';
export { cached, type CacheOptions } from './storage/cached.ts';
export { withLocalBlobs, type LocalBlobsOptions } from './storage/with-local-blobs.ts';
export { watch, type StoreChange, type StoreWatch, type WatchOptions } from './storage/watch.ts';
export { replicate, type ReplicateOptions, type Replication } from './storage/replicate.ts';
export type { ConflictDecision, ConflictListener, LogConflict, LogSide, MergedRecord, RecordConflict, ReplicationConflict } from './storage/replication-conflict.ts';
export type { ReplicationCounts, ReplicationProgress } from './storage/replication-context.ts';
export type { ReplicationLock, ReplicationWake } from './storage/replication-host.ts';
export { withPrefix } from './storage/with-prefix.ts';
export { withSegmentedLog } from './storage/with-segmented-log.ts';
export type { RunningDelivery, StoredDeliveryOptions } from './storage/stored-delivery.ts';
export { Tracker } from './tracking/tracker.ts';
export type { PurgeReport } from './tracking/run-deletion.ts';
export type { RunChanges } from './tracking/run-changes.ts';
export type { ListRunsOptions, NewRunOptions, PurgeOptions, ResumeRunOptions, RunsQuery, StartRunOptions, TrackerOptions } from './tracking/tracker-options.ts';
export type { EndOptions, LogMetricsOptions, Run } from './tracking/run.ts';
export type { EndStatus, ExperimentRecord, ParamValues, RunRecord, RunStatus, TagValues } from './tracking/run-record.ts';
export type { DamagedRun, DeletedRuns, RunPage } from './tracking/run-list.ts';
export type { ArtifactRecord } from './tracking/artifacts/artifact-record.ts';
export type { ImageInput } from './tracking/artifacts/image-artifact.ts';
export type { RawImage } from './tracking/artifacts/encode-png.ts';
export type { ArtifactPage, ArtifactTreeEntry, BrowseArtifactsOptions, DamagedArtifact, ListArtifactsOptions } from './tracking/artifacts/list-artifacts.ts';
export type { ReadWholeOptions } from './tracking/artifacts/read-artifact.ts';
export type { LoggedTable, LogTableInput, LogTableOptions, ReadTableOptions } from './tracking/artifacts/table-artifact.ts';
export { toCsv, type CsvOptions } from './tracking/artifacts/to-csv.ts';
export type { ArtifactContent, ArtifactInput, LogArtifactOptions, LogArtifactsOptions } from './tracking/artifacts/write-artifact.ts';
export type { LogModelInput } from './tracking/models/log-model.ts';
export type { DeleteModelOptions } from './tracking/models/delete-model.ts';
export type { LoggedModel } from './tracking/models/logged-model.ts';
export type { TfjsMemorySource } from './tracking/system-metrics.ts';
export type { DatasetColumnProfile, NumberSummary, TextCount, TextSummary } from './stats/samples/dataset-profile.ts';
export type { DatasetContents, DatasetInput, DatasetRecord, DatasetRole, KnownContents } from './tracking/run-datasets.ts';
export type { LatestMetrics, MetricPoint } from './tracking/latest-metric.ts';
export type { MetricSeries, MetricSeriesOptions } from './tracking/series/metric-series.ts';
export { filterText } from './tracking/search/filter-text.ts';
export { parseFilter } from './tracking/search/parse-filter.ts';
export type { SearchRunsOptions } from './tracking/search-runs.ts';
export { bestRun, type BestRun, type BestRunOptions } from './tracking/comparison/best-run.ts';
export type { ComparedMetric, CompareRunsOptions, RunComparison } from './tracking/comparison/compare-runs.ts';
export type { ComparedItem, Verdict } from './core/compared-item.ts';
export type { MetricDirection } from './tracking/comparison/metric-direction.ts';
export { parallelCoordinates, type CategoryAxis, type NumericAxis, type ParallelCoordinates, type ParallelCoordinatesOptions, type ParallelLine } from './tracking/comparison/parallel-coordinates.ts';
export { paramImportance, type MetricImportance, type ParamImportance, type ParamImportanceOptions, type UnjudgedParam } from './tracking/comparison/param-importance.ts';
export type { BestMetrics, MetricExtremes } from './tracking/extreme-metric.ts';
export type { Reproduction, ReproductionDataset } from './tracking/reproduction/reproduction.ts';
export type { ReproductionWarning, ReproductionWarningCode } from './tracking/reproduction/reproduction-warnings.ts';
export type { RecordedSeed } from './tracking/reproduction/seed-of.ts';
export type { ReproductionCheck, ReproductionDifference, ReproductionPart, VerifyReproductionOptions } from './tracking/reproduction/verify-reproduction.ts';
export type { MetricTolerance } from './tracking/reproduction/metric-tolerance.ts';
export type { AttributeCondition, DatasetCondition, MetricCondition, ParamCondition, RunCondition, RunFilter, TagCondition } from './tracking/search/run-filter.ts';
export type { DatasetField, NumberAttribute, RunAttribute, TextAttribute, WordAttribute } from './tracking/search/run-attributes.ts';
export type { RunOrder } from './tracking/search/run-order.ts';
export type { EqualityTest, NonFiniteText, OrderTest, PatternTest, SearchFilter } from './core/search/search-filter.ts';
export type { SortDirection } from './core/search/search-vocabulary.ts';
export type { ImportedRunRef, ImportRunsReport, RenamedItem } from './tracking/interchange/import-report.ts';
export type { ImportRunsOptions } from './tracking/interchange/import-runs.ts';
export type { ImportDamage, ImportedRun, RunSource } from './tracking/interchange/imported-run.ts';
export type { MetricValues } from './tracking/metric-buffer.ts';
export { Registry } from './registry/registry.ts';
export type {
  AliasOptions,
  CreateModelOptions,
  PageOptions,
  PromoteOptions,
  ReasonedOptions,
  RecordEvaluationOptions,
  RegisterVersionOptions,
  RegistryOptions,
  RollbackOptions,
  RunPointer,
  SetPolicyOptions,
  UpdateModelOptions,
  UpdateVersionOptions,
} from './registry/registry-options.ts';
export type { Approval } from './registry/approval.ts';
export type { RegistryEventsOptions, RegistryEventSource } from './registry/registry-events.ts';
export type { DamagedModel, DamagedVersion, ModelPage, VersionPage } from './registry/damaged.ts';
export { parseVersionFilter } from './registry/search/parse-version-filter.ts';
export { versionFilterText } from './registry/search/version-filter-text.ts';
export type { SearchVersionsOptions } from './registry/search/search-versions.ts';
export type { VersionAttribute, VersionDatasetField, VersionFileField, VersionNumberAttribute, VersionTextAttribute, VersionWordAttribute } from './registry/search/version-attributes.ts';
export type { VersionAttributeCondition, VersionCondition, VersionDatasetCondition, VersionFileCondition, VersionFilter, VersionMetricCondition, VersionOrder, VersionTagCondition } from './registry/search/version-filter.ts';
export type { DocumentOptions } from './registry/documents/document-facts.ts';
export type { ModelBom } from './registry/documents/model-bom.ts';
export type { ModelDocumentOptions } from './registry/documents/read-facts.ts';
export type { CompareVersionsOptions, ComparedEvaluation, VersionComparison } from './registry/compare-versions.ts';
export { gates, type ApprovalsGateOptions, type ComparisonGateOptions, type CustomGateOptions, type DriftGateOptions, type FreshnessGateOptions, type MetricGateOptions, type Policy, type SignatureGateOptions, type SignedGateOptions, type SlicesGateOptions } from './registry/gates.ts';
export type { ApprovalsGate, ComparableMetric, ComparisonGate, CustomGate, DriftGate, FreshnessGate, GateDefinition, IntegrityGate, MetricGate, SignatureGate, SignedGate, SlicesGate } from './registry/gate-definition.ts';
export type { Predictions } from './registry/predictions.ts';
export type { GateFunction, GateSubject, GateVerdict } from './registry/custom-gate.ts';
export type { GateReport, GateResult } from './registry/gate-report.ts';
export { gateReportMarkdown } from './registry/gate-report-markdown.ts';
export type { LineageGraph } from './storage/lineage-graph.ts';
export type { DatasetPointer, DatasetRef, DatasetWithDigest, DatasetWithFingerprint, DriftEvidence, DriftReport, Evaluation, JudgedColumn, Slices, StoredPredictions } from './registry/evaluation.ts';
export { loadJson, saveJson, type SaveJsonOptions } from './registry/json-model.ts';
export type { LoadedModel } from './registry/loaded-model.ts';
export type { Framework } from './core/framework.ts';
export type { ModelFile } from './core/model-manifest.ts';
export type { CacheRequest, CacheStorageOptions, ModelCache, RequestLike, WebCache } from './registry/model-cache.ts';
export type { ModelInfo } from './registry/model-info.ts';
export type { ModelVersion } from './registry/model-version.ts';
export type {
  BoolSpec,
  ColumnSpec,
  DataSpec,
  JsonSpec,
  ListSpec,
  ModelSignature,
  NamedSpec,
  NullableSpec,
  NumberSpec,
  RowSpec,
  StringSpec,
  TensorSpec,
  TensorType,
  TensorsSpec,
  TimestampSpec,
  ValueSpec,
} from './core/signature/model-signature.ts';
export { checkData } from './core/signature/check-data.ts';
export { signatureDifferences, type SignatureDifference } from './registry/signature/signature-differences.ts';
export { signatureOf, type DataSource, type JsonSchemaSource, type SchemaSource, type SchemaSourceProps, type SignatureSource } from './registry/signature/signature-of.ts';
export type { JsonSchema } from './registry/signature/from-json-schema.ts';
export type { SignVersionOptions } from './registry/signing/sign-version.ts';
export type { VerifyVersionOptions } from './registry/signing/verify-version.ts';
export type { VerifiedVersion, VersionSignature } from './registry/signing/version-signature.ts';
export { signManifest, type DsseEnvelope, type DsseSignature, type PublicKeyHint, type SignatureBundle, type SignOptions, type VerificationMaterial } from './registry/signing/sign-manifest.ts';
export type { SignedFile } from './registry/signing/model-statement.ts';
export type { KeySource, WebCryptoAlgorithm, WebCryptoKey } from './registry/signing/signing-key.ts';
export { verifyManifest, type VerifiedManifest, type VerifyManifestOptions } from './registry/signing/verify-manifest.ts';
export { signatureToJsonSchema, type SignatureJsonSchema } from './registry/signature/signature-to-json-schema.ts';
export type { FeatureServiceRef, VersionDataset, VersionDatasetOptions, VersionDatasetPointer, VersionFacts } from './registry/version-facts.ts';
export type {
  AliasDeleted,
  AliasSet,
  EvaluationRecorded,
  ModelCreated,
  ModelDeleted,
  ModelUpdated,
  PolicyChanged,
  RegistryEvent,
  RegistryEventData,
  StageChanged,
  StageMoved,
  ToldOfModel,
  ToldOfVersion,
  VersionApproved,
  VersionDeleted,
  VersionNamed,
  VersionRegistered,
  VersionSigned,
  VersionUpdated,
} from './registry/registry-event.ts';
export type { ExclusiveStage, Stage } from './registry/stages.ts';
export type { ItemCacheOptions, StepCacheOptions } from './pipelines/caching/cache-options.ts';
export type { CachedFrom } from './pipelines/caching/cached-from.ts';
export type { ItemExplanation, ItemsExplanation } from './pipelines/caching/explain-items.ts';
export type { ExplainOptions, StepExplanation } from './pipelines/caching/explain.ts';
export type { RefreshOptions } from './pipelines/caching/refresh.ts';
export type { StaleCause, StaleKind } from './pipelines/caching/stale-cause.ts';
export type { CancelOptions } from './pipelines/cancelling/cancel-run.ts';
export type { CancelCause, RunCancellation } from './pipelines/cancelling/cancellation.ts';
export { Pipeline } from './pipelines/pipeline.ts';
export type { ClearCacheOptions } from './pipelines/caching/clear-cache.ts';
export type { ExecutionOptions, PipelineOptions, ResumeOptions, RunOptions, RunParams, StartedBy } from './pipelines/pipeline-options.ts';
export type { AttemptEventBase, PipelineEvent, PipelineListener, RunCancelling, RunEventBase, RunFinished, RunStarted, RunWaiting, StepCancelled, StepFailed, StepListed, StepRetrying, StepSkipped, StepStarted, StepSucceeded, StepWaiting } from './pipelines/pipeline-event.ts';
export type { ItemFailure, StepItems } from './pipelines/items.ts';
export type { ItemContext, ItemFacts, ItemFunction, ItemSource, MapOptions } from './pipelines/map-step.ts';
export type { StepGateAnswer, StepGateCheck, StepGateFinding, StepGateReport, StepGateSeverity } from './pipelines/gates/gate.ts';
export type { KeeperOptions, PipelineKeeper } from './pipelines/launching/keeper.ts';
export type { PauseOptions } from './pipelines/launching/launch-book.ts';
export type { ListLogsOptions, LogsOptions, StepLogLine, StepLogPage, StepLogQuery } from './pipelines/logs/read-step-logs.ts';
export type { StepLogLevel } from './pipelines/logs/step-log-lines.ts';
export type { CallCause, PipelineCause, RunCause, ScheduleCause, TriggerCause } from './pipelines/launching/run-cause.ts';
export type { AttemptFailure, RunOutcome, StepStatus } from './pipelines/run-state.ts';
export type { RetryCondition, RetryOptions } from './pipelines/retry.ts';
export type { PipelineRunAttribute, PipelineRunAttributeCondition, PipelineRunCondition, PipelineRunFilter, PipelineRunNumberAttribute, PipelineRunInputCondition, PipelineRunOrder, PipelineRunOutputCondition, PipelineRunParamCondition, PipelineRunStepCondition, PipelineRunTextAttribute, PipelineRunWordAttribute } from './pipelines/history/pipeline-run-filter.ts';
export type { PipelineRun, StepHistory, StepInputRecord } from './pipelines/history/read-run.ts';
export type { DamagedPipelineRun, PipelineRunPage, PipelineRunStatus, PipelineRunSummary } from './pipelines/history/run-summary.ts';
export type { SearchPipelineRunsOptions } from './pipelines/history/search-runs.ts';
export type { BackfilledRun, BackfillOptions, BackfillResult, BackfillStatus } from './pipelines/schedules/backfill.ts';
export type { FoldPolicy, GapPolicy } from './pipelines/schedules/clock-changes.ts';
export type { CalendarStep, DaysStep, MonthsStep } from './pipelines/schedules/every-timetable.ts';
export type { DataInterval } from './pipelines/schedules/data-interval.ts';
export type { ScheduledParams, ScheduledTick, ScheduleOptions, ScheduleParams, ScheduleTiming } from './pipelines/schedules/schedule-options.ts';
export type { PipelineSchedule, PlannedRun, ScheduleStatus } from './pipelines/schedules/schedule.ts';
export type { SubPipelineOptions, SubPipelineOutput, SubPipelineParams, SubPipelineSettings, SubRun } from './pipelines/nesting/sub-pipeline.ts';
export type { PipelineResult, RunTimings } from './pipelines/run-result.ts';
export type { StepFailure } from './pipelines/step-failure.ts';
export type { StepResult } from './pipelines/step-result.ts';
export type { StepRun, StepTracker } from './pipelines/step-tracking.ts';
export type { StoredContents } from './pipelines/stored-output.ts';
export type { FinalStepOptions, MapHandle, PartialOutput, StepAttempt, StepCondition, StepContext, StepExecutionOptions, StepFacts, StepFunction, StepHandle, StepInputs, StepNeeds, StepOptions, StepOutput } from './pipelines/step.ts';
export type { KeptOutput, OutputStream, ReadStreamedOptions, StreamedOutput } from './pipelines/streamed-output.ts';
export type { StepWork, WorkContext } from './pipelines/step-work.ts';
export type { StepExecutor, StepTask } from './pipelines/workers/step-executor.ts';
export type { StepWorker, WorkOptions } from './pipelines/workers/step-worker.ts';
export type { TriggerRule } from './pipelines/trigger-rule.ts';
export type { EndsOptions, RunEnd } from './pipelines/triggers/run-ends.ts';
export type { TriggeredParams, TriggerOptions, TriggerParams, TriggerTiming } from './pipelines/triggers/trigger-options.ts';
export type { PipelineTrigger, TriggerStatus } from './pipelines/triggers/trigger.ts';
export type { QuarantineAnswer, QuarantineOptions } from './pipelines/quarantine/quarantine-step.ts';
export type { QuarantineDecision, QuarantinedOutput } from './pipelines/quarantine/read-quarantined.ts';
export type { DecisionOptions, StepReleaseOptions } from './pipelines/waiting/decide.ts';
export type { ApprovalOutput } from './pipelines/waiting/decision.ts';
export type { ListWaitingOptions } from './pipelines/waiting/list-waiting.ts';
export type { StepWait, WaitingStep, WaitKind } from './pipelines/waiting/wait.ts';
export type { ApprovalOptions, DecisionTerms, SleepFor, SleepOptions, SleepUntil, WaitOptions } from './pipelines/waiting/waiting-steps.ts';
export { FeatureStore } from './features/feature-store.ts';
export type { ApplyOptions, FeatureStoreOptions, HistoricalFeatures, HistoricalQuery, MaterializeOptions, OnlineQuery, ViewReport, DescribeOptions } from './features/feature-store-options.ts';
export { entity, type Entity, type EntityOptions, type KeyType } from './features/definitions/entity.ts';
export { embedding, type FeatureType, type FeatureValue } from './features/definitions/feature-type.ts';
export type { DefinitionFacts } from './features/definitions/definition-facts.ts';
export type { FeatureInput } from './features/definitions/feature-input.ts';
export type { CorrectedRow, IngestOptions, IngestResult, QuarantinedQuery, ReleaseOptions } from './features/ingest-options.ts';
export type { CheckedValue, CheckName, ColumnChecks, InvalidReason, TableChecks } from './features/table-checks.ts';
export { checkSuite, type CheckSuite, type CheckSuiteOptions } from './features/definitions/check-suite.ts';
export type { CheckResult, CheckResultsQuery, CheckStatus, StoredCheckOutcome } from './features/quality/check-results.ts';
export type { CheckOutcome, CheckReport, CheckSeverity } from './features/quality/check-run.ts';
export type { DatasetReference, DayReference, DriftCheck, DriftMethod, DriftReference, ValuesReference } from './features/quality/drift-check.ts';
export type { StoredCheckSuite } from './features/quality/stored-suites.ts';
export type { Arrival, ArrivalsOptions } from './features/arrivals.ts';
export type { ForgetResult } from './features/forgetting.ts';
export type { QuarantinedRow } from './features/quarantine.ts';
export { expression, type ColumnSource, type Expression } from './features/expressions/expression.ts';
export type { DatasetComputation, DatasetFacts, DatasetQuery, DatasetView, ForgottenRows } from './features/datasets/dataset-facts.ts';
export type { ListDatasetsQuery, SaveDatasetQuery } from './features/datasets/dataset-options.ts';
export type { DatasetChunk, ReadDatasetOptions, SavedDataset, StreamDatasetOptions } from './features/datasets/saved-dataset.ts';
export type { DatasetSplits } from './features/datasets/split-assigner.ts';
export type { EntitySplitOptions, HashSplitOptions, SplitFractions, SplitOptions, SplitRange, TimeRange, TimeSplitOptions } from './features/datasets/split-options.ts';
export type { ColumnStatistics, FrequentValue } from './features/quality/column-sketch.ts';
export type { StatisticsQuery, ViewStatistics } from './features/quality/view-statistics.ts';
export type { AllFreshnessOptions, FreshnessOptions, FreshnessPage, UnreadableView, ViewFreshness } from './features/quality/freshness.ts';
export type { StalenessChange } from './features/quality/staleness.ts';
export type { ServedAnswer, ServedQuery } from './features/quality/served-answers.ts';
export type { SkewOptions } from './features/quality/skew-options.ts';
export type { FeatureSkew, SkewCause, SkewDistance, SkewedVersion, SkewExample, SkewReport, SkewStatus } from './features/quality/skew-report.ts';
export type { ServingLogCounts, ServingLogOptions } from './features/quality/serving-log-options.ts';
export { featureView, type ComputedFeatureOptions, type ColumnFeature, type ColumnFeatureOptions, type ExpectedFreshness, type ExpectedFreshnessOptions, type FeatureDefinition, type FeatureExtras, type FeatureFacts, type FeatureOptions, type FeatureSource, type FeatureView, type FeatureViewOptions, type SourceType, type TypedFeatureView } from './features/definitions/feature-view.ts';
export { onDemandView, type NullableRow, type OnDemandResult, type OnDemandRow, type OnDemandView, type OnDemandViewData, type OnDemandViewOptions } from './features/definitions/on-demand-view.ts';
export { featureService, type FeatureService, type FeatureServiceOptions } from './features/definitions/feature-service.ts';
export type { FeatureRef, FeatureSelection } from './features/definitions/feature-ref.ts';
export type { FeatureRequest, ServicePin } from './features/definitions/query-plan.ts';
export type { Definition } from './features/definitions/definition.ts';
export type { DefinitionKind } from './features/definitions/definition-states.ts';
export type { FeatureColumn, FeatureSchema } from './features/feature-schema.ts';
export type { TransformFailure } from './features/compute-on-demand.ts';
export { aggregate, type AggregateOptions, type AggregateResult, type ColumnAggregateOptions, type DistinctCountOptions, type QuantileOptions, type RateOptions, type ShareOptions, type VarianceOptions } from './features/aggregates/aggregate.ts';
export type { AggregateDefinition, AggregateFunction } from './features/aggregates/aggregate-definition.ts';
export type { ColumnCondition, ConditionValue, Where } from './features/definitions/condition.ts';
export type { MaterializeResult } from './features/materialize.ts';
export type { FeatureStatus } from './features/record-answer.ts';
export type { OnlineFeatures } from './features/serve.ts';
export type { AppliedDefinition } from './features/definitions/apply-definitions.ts';
export { compareData, type CompareOptions } from './stats/profiles/compare-data.ts';
export type { ColumnDrift, DataDrift, DriftStatus } from './stats/profiles/data-drift.ts';
export type { DriftOptions } from './stats/profiles/drift-settings.ts';
export type { BinRule } from './stats/compatibility/column.ts';
export type { ComparisonMethod, EvidentlyMethod, MethodRules, MethodScore, NannymlMethod } from './stats/compatibility/comparison-method.ts';
export type { DriftRule } from './stats/compatibility/drift-score.ts';
export type { MultivariateDrift, MultivariateTest } from './stats/profiles/multivariate-tests.ts';
export type { BlockOptions } from './stats/profiles/row-blocks.ts';
export type { BinShift, DriftEffect, DriftTest, TestedBlocks, UnseenCategories } from './stats/profiles/drift-evidence.ts';
export type { CategoryProfile, ColumnKind, ColumnProfile, NumberProfile, RowCounts, TimestampProfile } from './stats/profiles/column-profile.ts';
export type { CalendarCounts } from './stats/profiles/timestamp/calendar-counts.ts';
export type { EmbeddingProfile } from './stats/profiles/embedding/embedding-profile.ts';
export type { TextProfile } from './stats/profiles/text/text-profile.ts';
export type { GridCounts } from './stats/profiles/grid-counts.ts';
export type { ValueSample } from './stats/profiles/value-sample.ts';
export type { DistinctValues } from './stats/profiles/distinct-values.ts';
export { mergeProfiles, profileData, type DataProfile, type ProfileDataOptions, type ProfileOptions } from './stats/profiles/data-profile.ts';
export { compareSlices, type CompareSlicesOptions, type SliceDrift, type SlicesDrift } from './stats/slices/compare-slices.ts';
export type { SliceCondition, SliceWhere } from './stats/slices/slice-column.ts';
export { DriftMonitor } from './monitoring/drift-monitor.ts';
export type { AlertHistoryOptions, CheckOptions, DriftMonitorOptions, Feedback, MonitorDriftOptions, MonitorEvents, Observation, OpenMonitorOptions, PerformancesOptions, VerdictsOptions } from './monitoring/monitor-options.ts';
export type { MonitorPerformanceOptions, PerformanceMetric } from './monitoring/performance/performance-options.ts';
export type { MeasuredPerformance, PeriodPerformance } from './monitoring/performance/judge-period.ts';
export type { PerformanceReport } from './monitoring/performance/performance-watch.ts';
export type { AlertSeverities, AlertSeverity, MonitorAlertOptions } from './monitoring/alerts/alert-options.ts';
export type { AlertMatch, AlertSilence, EndSilenceOptions, SilenceOptions } from './monitoring/alerts/alert-silence.ts';
export type { AlertEvent, AlertSource, SilenceEvent } from './monitoring/alerts/alert-source.ts';
export type { AlertKind, DriftAlert } from './monitoring/alerts/alert-state.ts';
export type { MonitorAttributionOptions } from './monitoring/attribution/attribution-options.ts';
export type { PeriodAttribution } from './monitoring/attribution/attribute-loss.ts';
export type { AttributedColumn, AttributedPart } from './stats/estimation/attribute-cells.ts';
export type { ChangeAttribution } from './stats/estimation/attribute-change.ts';
export type { MonitorConceptOptions } from './monitoring/concept/concept-options.ts';
export type { LossChange, PeriodConcept, VersionConcept } from './monitoring/concept/follow-concept.ts';
export type { EstimatedMetricName, MonitorEstimateOptions } from './monitoring/estimates/estimate-options.ts';
export type { EstimateReport, RowsEstimate } from './monitoring/estimates/judge-estimate.ts';
export type { MonitorHealthOptions } from './monitoring/health/health-options.ts';
export type { HealthCheck, HealthReport, LatencySummary } from './monitoring/health/judge-health.ts';
export type { ColumnQualityOptions, MonitorQualityOptions } from './monitoring/quality/quality-options.ts';
export type { QualityCheck, QualityReport, UnknownColumn } from './monitoring/quality/quality-report.ts';
export type { DriftVerdict, VerdictWindow, WindowFindings } from './monitoring/monitor-state.ts';
export type { RowWindowOptions, TimeWindowOptions, WindowOptions } from './monitoring/windows/window-plan.ts';
export { Deployment } from './serving/deployment.ts';
export type { DeployedRegistry, DeployedVersion, DeploymentOptions, LoadPredictor, PredictionFeedback, PredictOptions, SignatureCheckOptions, VersionCacheOptions } from './serving/deployment-options.ts';
export type { DeploymentEvents, DeploymentStatus, VersionChange, VersionSelector } from './serving/deployment-status.ts';
export type { MonitorObservation, MonitorOfPredictions, ObservedPrediction, ObservePrediction } from './serving/bookkeeping/monitor-feed.ts';
export type { FeatureLookupOptions, LookedUpFeatures, OnlineFeatureReader } from './serving/inference/feature-lookup.ts';
export type { Arm, Prediction, ServedOutcome, ServedReason } from './serving/prediction.ts';
export type { PredictCall, Predictor, PredictorSource } from './serving/predictor.ts';
export type { CandidateTraffic, RolloutOutcome, RolloutPhase, Traffic } from './serving/rollout/rollout-state.ts';
export type { VersionState, VersionStatus } from './serving/version-status.ts';
export type { BatchingOptions, BreakerOptions, ExecutionLimits, PredictionRetryOptions } from './serving/execution/execution-options.ts';
export type { BoundGuardrail, CheckGuardrail, ComparedGuardrail, Guardrail, GuardrailStatus, GuardrailVerdict, RolloutCheck, RolloutCheckContext, RolloutCheckResult } from './serving/rollout/guardrail.ts';
export type { RolloutActor, RolloutBudgetOptions, RolloutOptions, RolloutStep, ShadowStep } from './serving/rollout/rollout-options.ts';
export type { RolloutEvent, RolloutEventData, RolloutEventType } from './serving/rollout/rollout-event.ts';
export type { RolloutStrategy } from './serving/rollout/rollout-plan.ts';
export type { RolloutStatus } from './serving/rollout/rollout-status.ts';
export type { ShadowOptions } from './serving/routing/shadow-lane.ts';
export { ABTest } from './experiments/ab-test.ts';
export type { ABTestOptions, ABTestProcessOptions, AnalyzeTestOptions, ExposeOptions, OpenABTestOptions, RampOptions, RecordOptions, SetWeightsOptions, StartOptions, StopOptions, UnitsOptions } from './experiments/ab-test-options.ts';
export type { Assigned, AssignedReason, Assignment, Attributes, Unassigned, UnassignedReason } from './experiments/assignment/assignment.ts';
export type { TargetCondition, TargetConditions, Targeting, TargetValue } from './experiments/assignment/targeting.ts';
export type { DefinitionOptions } from './experiments/definition/definition-options.ts';
export type { ExperimentHistoryOptions } from './experiments/definition/experiment-record.ts';
export type { ChangeAuthor, ExperimentEvent, ExperimentEventType, ExperimentStop } from './experiments/definition/experiment-state.ts';
export type { ExperimentDefinition, ExperimentHash, Holdout, LayerSlice, MetricBase, MetricOptions, MetricRole, QuantileMetricOptions, RatioMetricOptions, UnitMetricOptions, VariantOptions, Winsorizing } from './experiments/experiment-definition.ts';
export type { EventColumn, MetricColumns, RatioColumns, UnitColumn, UnitTable } from './experiments/unit-table.ts';
export { startOpenLineage, type StartOpenLineageOptions } from './integrations/openlineage/start-openlineage.ts';
export { verifyWebhook, webhookMemory, type VerifiedWebhook, type VerifyWebhookOptions, type WebhookMemory, type WebhookRequest } from './integrations/webhooks/verify-webhook.ts';
export { webhook, type WebhookSink } from './integrations/webhooks/webhook.ts';
export { webhookTrigger, type WebhookTrigger, type WebhookTriggerOptions } from './integrations/webhooks/webhook-trigger.ts';
export { startWebhook } from './integrations/webhooks/start-webhook.ts';
export type { StartWebhookOptions, WebhookOptions, WebhookSigning, WebhookSource } from './integrations/webhooks/webhook-options.ts';
export { metricsText, type MetricsSource } from './serving/metrics/metrics-text.ts';
export type { MetricFamily, MetricSample } from './serving/metrics/metric-family.ts';
export type { ServingMetricsOptions } from './serving/metrics/metrics-options.ts';
export type { PredictionUse, VersionCost } from './serving/metrics/version-cost.ts';
export type { PredictionLogOptions } from './serving/log/log-options.ts';
export type { PredictionPageQuery, PredictionQuery } from './serving/log/log-query.ts';
export type { LoggedFeedback, LoggedPrediction, StoredPrediction } from './serving/log/logged-prediction.ts';
export type { TelemetryAttributes, TelemetryHistogram, TelemetryMeter, TelemetryOptions, TelemetrySpan, TelemetryTime, TelemetryTracer } from './serving/metrics/telemetry.ts';
export { exportPredictions, readPredictions, type PredictionSource } from './serving/log/stored-predictions.ts';
export type { EffectPrior } from './stats/experiments/bayesian-comparison.ts';
export { analyzeUnits } from './experiments/analysis/analyze-units.ts';
export type { AnalyzedDefinition, AnalyzeOptions, PlannedLooks } from './experiments/analysis/analyze-options.ts';
export type { AbAnalysis, AbDecision, AdjustedComparison, AnalysisLook, AnalysisMethod, ArmAnalysis, CorrectionMethod, CupedShare, DetectableEffect, EffectBelief, EffectInterval, GuardrailCheck, MetricAnalysis, MetricComparison, RemainingTime, SampleRatioCheck, SegmentAnalysis, VariantCount, VariantStanding, WinsorBounds } from './experiments/analysis/ab-analysis.ts';
export type { EventColumn, MetricColumns, RatioColumns, RatioColumnsBefore, SegmentColumn, UnitColumn, UnitTable } from './experiments/unit-table.ts';
export type { MetricBase, MetricOptions, MetricRole, QuantileMetricOptions, RatioMetricOptions, UnitMetricOptions, VariantOptions, Winsorizing, WinsorQuantile, WinsorValue } from './experiments/experiment-definition.ts';
