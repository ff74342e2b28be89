/** Metrics in a log line, as CloudWatch takes them out of it: the embedded metric format. */

export type MetricUnit = 'Count' | 'Bytes' | 'Milliseconds';

export interface EmbeddedMetrics {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: MetricUnit }[];
    }[];
  };
}

/**
 * What stands at the root of the line, beside a member of each metric's name with its value. Metrics have no dimension:
 * each combination of dimension values is billed as a metric.
 * Source: AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function embeddedMetrics(
  namespace: string,
  atMs: number,
  units: Readonly<Record<string, MetricUnit>>,
): EmbeddedMetrics {
  const Metrics = Object.entries(units).map(([Name, Unit]) => ({ Name, Unit }));
  return { _aws: { Timestamp: atMs, CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [[]], Metrics }] } };
}
