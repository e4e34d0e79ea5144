/** Where the load of the host is read, such as `nodeSystemMetrics()`. */
export interface SystemMetrics {
  /** Begins to watch, for one run. */
  open(): SystemMetricsReader;
}

/** Watches the host for one run. */
export interface SystemMetricsReader {
  /** Values by name, such as `cpu.utilization`, since the last reading where they are of a span; what cannot be told is left out or NaN. Quick and synchronous. */
  read(): Readonly<Record<string, number>>;
  /** Stops watching. */
  close(): void;
}
