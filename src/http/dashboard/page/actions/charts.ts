import { type ChartReading, change, state } from "../state/state.ts";

// Reads and zooms a chart. In `data-with` an element has the name of the points that it shows and how many there are:
// "minutes 60".

/** Where the pointer went down. */
let from: number | undefined;

function shownBy(text: string): readonly [string, number] {
  const [points = "", count] = text.split(" ");
  return [points, Number(count)];
}

function read(points: string, reading: ChartReading): void {
  change({ charts: { ...state.charts, [points]: { ...state.charts[points], ...reading } } });
}

function pointAt(chart: HTMLElement, event: Event, count: number): number {
  const { left, width } = chart.getBoundingClientRect();
  const share = ((event as PointerEvent).clientX - left) / width;
  return Math.max(0, Math.min(count - 1, Math.floor(share * count)));
}

/** Shows only the points from one to another, by their indexes on screen. */
function zoomTo(points: string, one: number, other: number): void {
  const start = state.charts[points]?.zoom?.[0] ?? 0;
  read(points, { zoom: [start + Math.min(one, other), start + Math.max(one, other) + 1], point: undefined });
}

export const chartActions = {
  read(text: string, chart: HTMLElement, event: Event) {
    const [points, count] = shownBy(text);
    read(points, { point: pointAt(chart, event, count) });
  },
  press(text: string, chart: HTMLElement, event: Event) {
    from = pointAt(chart, event, shownBy(text)[1]);
  },
  release(text: string, chart: HTMLElement, event: Event) {
    const [points, count] = shownBy(text);
    const to = pointAt(chart, event, count);
    if (from !== undefined && Math.abs(to - from) > 1) zoomTo(points, from, to);
    from = undefined;
  },
  /** The slider below a chart, for use without a mouse. */
  point(text: string, slider: HTMLElement) {
    read(shownBy(text)[0], { point: Number((slider as HTMLInputElement).value) });
  },
  "zoom-in"(text: string) {
    const [points, count] = shownBy(text);
    const middle = state.charts[points]?.point ?? count - 1;
    const reach = Math.max(1, Math.floor(count / 4));
    zoomTo(points, Math.max(0, middle - reach), Math.min(count - 1, middle + reach));
  },
  "zoom-out": (text: string) => read(shownBy(text)[0], { zoom: undefined, point: undefined }),
};
