import { change, state } from "../state/state.ts";

// Reads a chart. In `data-with` an element has the name of its points, and how many there are: "minutes 60".

const read = (points: string, point: number) => change({ charts: { ...state.charts, [points]: point } });

export const chartActions = {
  read(text: string, chart: HTMLElement, event: Event) {
    const [points = "", count] = text.split(" ");
    const { left, width } = chart.getBoundingClientRect();
    const at = Math.floor((((event as PointerEvent).clientX - left) / width) * Number(count));
    read(points, Math.max(0, Math.min(Number(count) - 1, at)));
  },
  /** The slider below a chart, for use without a mouse. */
  point: (text: string, slider: HTMLElement) =>
    read(text.split(" ")[0] ?? "", Number((slider as HTMLInputElement).value)),
};
