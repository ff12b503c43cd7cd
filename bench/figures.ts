/** The results of several runs of the same measurement. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

/** @throws {Error} if there is nothing to summarize. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) throw new Error("There is no value to make a figure of.");
  return { median: percentile(sorted, 50), low, high, runs: sorted.length };
}

/** A figure that was counted or computed, and is the same each time. */
export function exact(value: number): Figure {
  return figureOf([value]);
}

/** A percentile, interpolated between two values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place % 1);
}

/** A number as a table shows it. */
export function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** The median, and half of the distance from the lowest run to the highest, in percent of the median. */
export function figureText(figure: Figure | undefined): string {
  if (!figure) return "";
  const { median, low, high, runs } = figure;
  const spread = Math.round(((high - low) / 2 / median) * 100);
  return runs > 1 && spread >= 1 ? `${numberText(median)} ± ${spread} %` : numberText(median);
}
