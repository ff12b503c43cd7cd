/** What several runs of the same gave. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly runs: number;
}

/** @throws {Error} where there is nothing to sum up. */
export function figureOf(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined) throw new Error("There is no value to make a figure of.");
  return { median: percentile(sorted, 50), low, high, runs: sorted.length };
}

/** What was counted, or computed, and is the same each time. */
export function exact(value: number): Figure {
  return figureOf([value]);
}

/** The value below which so many percent of the values lie, between two of them in proportion. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place % 1);
}

/** A number as it stands in a table. */
export function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** The median, and half of the way from the lowest run to the highest, in percent of it. */
export function figureText(figure: Figure | undefined): string {
  if (!figure) return "";
  const { median, low, high, runs } = figure;
  const spread = Math.round(((high - low) / 2 / median) * 100);
  return runs > 1 && spread >= 1 ? `${numberText(median)} ± ${spread} %` : numberText(median);
}
