import type { FlowControlKey } from "../../core/flow/flow-keys.ts";
import type { Histogram, QueueActivity } from "../../core/manage/stats.ts";

/** What is measured of a queue. */
export interface Measured extends QueueActivity {
  readonly queue: string;
  readonly busiestKeys: readonly FlowControlKey[];
}

interface Sample {
  /** Appended to the metric's name, such as `_bucket`. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: (measured: Measured) => readonly Sample[];
}

const states = ["scheduled", "ready", "running", "completed", "deadLetter"] as const;

// Named after https://prometheus.io/docs/practices/naming/ and OpenMetrics: base units, and `_total` for counters.
const metrics: readonly Metric[] = [
  {
    name: "tidegate_jobs",
    type: "gauge",
    help: "Jobs by state.",
    samples: ({ stats }) =>
      states.map((state) => ({
        labels: { state: state === "deadLetter" ? "dead" : state },
        value: stats[`${state}Count`],
      })),
  },
  counter("tidegate_jobs_enqueued_total", "Jobs enqueued.", "totalEnqueued"),
  counter("tidegate_jobs_completed_total", "Jobs completed.", "totalProcessed"),
  counter("tidegate_jobs_dead_total", "Jobs that died.", "totalFailed"),
  counter("tidegate_job_retries_total", "Failed attempts that are retried.", "totalRetried"),
  {
    name: "tidegate_queue_paused",
    type: "gauge",
    help: "1 while the queue is paused.",
    samples: ({ stats }) => [{ value: stats.paused ? 1 : 0 }],
  },
  {
    name: "tidegate_oldest_ready_job_age_seconds",
    type: "gauge",
    help: "How long the oldest ready job has been due; 0 if none is ready.",
    samples: ({ stats }) => [{ value: (stats.oldestReadyAgeMs ?? 0) / 1_000 }],
  },
  {
    name: "tidegate_next_run_timestamp_seconds",
    type: "gauge",
    help: "When something is due next; absent if nothing is.",
    samples: ({ stats }) => (stats.nextRunAt ? [{ value: stats.nextRunAt.getTime() / 1_000 }] : []),
  },
  {
    name: "tidegate_job_waiting_seconds",
    type: "histogram",
    help: "How long attempts waited between falling due and starting.",
    samples: ({ waiting }) => histogramSamples(waiting),
  },
  {
    name: "tidegate_job_running_seconds",
    type: "histogram",
    help: "How long attempts ran.",
    samples: ({ running }) => histogramSamples(running),
  },
  ofBusiestKeys("tidegate_flow_control_running_jobs", "Jobs that run, of the busiest keys.", "running"),
  ofBusiestKeys("tidegate_flow_control_waiting_jobs", "Jobs that wait, of the busiest keys.", "waiting"),
];

function ofBusiestKeys(name: string, help: string, field: "running" | "waiting"): Metric {
  const samples: Metric["samples"] = ({ busiestKeys }) =>
    busiestKeys.map((each) => ({ labels: { key: each.key }, value: each[field] }));
  return { name, type: "gauge", help, samples };
}

type Total = "totalEnqueued" | "totalProcessed" | "totalFailed" | "totalRetried";

function counter(name: string, help: string, total: Total): Metric {
  return { name, type: "counter", help, samples: ({ stats }) => [{ value: stats[total] }] };
}

function histogramSamples({ bounds, counts, sumMs }: Histogram): readonly Sample[] {
  let upTo = 0;
  const buckets = counts.map((count, index) => {
    upTo += count;
    const bound = bounds[index];
    return { suffix: "_bucket", labels: { le: bound === undefined ? "+Inf" : String(bound / 1_000) }, value: upTo };
  });
  return [...buckets, { suffix: "_sum", value: sumMs / 1_000 }, { suffix: "_count", value: upTo }];
}

/** Writes what is measured of queues in the text format of Prometheus (version 0.0.4). Each sample carries its queue's name. */
export function metricsText(queues: readonly Measured[]): string {
  const lines = metrics.flatMap(({ name, type, help, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...queues.flatMap((measured) =>
      samples(measured).map(
        ({ suffix = "", labels = {}, value }) =>
          `${name}${suffix}${labelsText({ queue: measured.queue, ...labels })} ${value}`,
      ),
    ),
  ]);
  return `${lines.join("\n")}\n`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n");
}
