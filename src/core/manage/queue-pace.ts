/** Whether a queue keeps up: jobs a minute, on average over the last five whole minutes. */
export interface QueuePace {
  /** Jobs that fell due. A job that waits for a retry falls due again. */
  readonly arrivals: number;
  /** Jobs that ended, or were to wait for a retry, a time or a signal. */
  readonly departures: number;
  /** When nothing is ready at this pace, in ms from now: 0 if nothing is, null unless more jobs leave than arrive. */
  readonly emptyInMs: number | null;
}

/** Whether more jobs arrive than leave, while some are ready. */
export const isGrowing = ({ arrivals, departures, emptyInMs }: QueuePace): boolean =>
  emptyInMs === null && arrivals > departures;

/** "in 450, out 304 a minute: grows by 146 a minute" */
export function paceText(pace: QueuePace, number: (value: number) => string, span: (ms: number) => string): string {
  const { arrivals, departures, emptyInMs } = pace;
  const rates = `in ${number(arrivals)}, out ${number(departures)} a minute`;
  if (isGrowing(pace)) return `${rates}: grows by ${number(arrivals - departures)} a minute`;
  return emptyInMs ? `${rates}: empty in ${span(emptyInMs)}` : rates;
}
