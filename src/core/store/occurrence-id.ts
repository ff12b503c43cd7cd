/** The id of the job that a slot makes: the same whoever fires it, so that a slot makes one job. */
export function slotJobId(key: string, slot: number): string {
  return `${key}@${new Date(slot).toISOString()}`;
}

const slotId = /@\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Whether an id is of the form that those of slots' jobs have. */
export function isSlotJobId(id: string): boolean {
  return slotId.test(id);
}
