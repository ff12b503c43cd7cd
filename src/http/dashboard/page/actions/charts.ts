import { change, state } from "../state/state.ts";

// Reading and zooming a chart. `data-with` of a chart is how many points it shows.

/** Where the pointer went down. */
let from: number | undefined;

/** The point under the pointer. */
function pointAt(chart: HTMLElement, event: Event, count: number): number {
  const { left, width } = chart.getBoundingClientRect();
  const share = ((event as PointerEvent).clientX - left) / width;
  return Math.max(0, Math.min(count - 1, Math.floor(share * count)));
}

/** Shows only the points from one to another one, counted among those on screen. */
function zoomTo(one: number, other: number): void {
  const start = state.zoom?.[0] ?? 0;
  change({ zoom: [start + Math.min(one, other), start + Math.max(one, other) + 1], point: undefined });
}

export const chartActions = {
  read: (count: string, chart: HTMLElement, event: Event) => change({ point: pointAt(chart, event, Number(count)) }),
  press(count: string, chart: HTMLElement, event: Event) {
    from = pointAt(chart, event, Number(count));
  },
  release(count: string, chart: HTMLElement, event: Event) {
    const to = pointAt(chart, event, Number(count));
    if (from !== undefined && Math.abs(to - from) > 1) zoomTo(from, to);
    from = undefined;
  },
  /** The slider below a chart reads it without a mouse. */
  point: (_: string, slider: HTMLElement) => change({ point: Number((slider as HTMLInputElement).value) }),
  "zoom-in": (count: string) => {
    const middle = state.point ?? Number(count) - 1;
    const reach = Math.max(1, Math.floor(Number(count) / 4));
    zoomTo(Math.max(0, middle - reach), Math.min(Number(count) - 1, middle + reach));
  },
  "zoom-out": () => change({ zoom: undefined, point: undefined }),
};
