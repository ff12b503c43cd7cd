/** The share of the work done, from a number up to 1, a larger one in percent, `{ percent }`, or `{ done, of }`. */
export function shareOf(progress: unknown): number | undefined {
  if (typeof progress === "number") return progress <= 1 ? progress : progress / 100;
  const { done, of, total = of, percent } = Object(progress) as Readonly<Record<string, unknown>>;
  if (typeof percent === "number") return percent / 100;
  return typeof done === "number" && typeof total === "number" && total > 0 ? done / total : undefined;
}
